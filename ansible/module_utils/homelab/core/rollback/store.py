"""Files of the rollback: where they are, how they are read and written so that a power cut leaves them whole."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from typing import Any

PROGRAM = "/etc/homelab/rollback"
LIBRARY = "/etc/homelab/lib/homelab_rollback"
CHECKS = "/etc/homelab/confirm"
SERVICE = "homelab-rollback.service"
TIMER = "homelab-rollback.timer"
# An owner's name never begins with a dot.
FOLDER = "/var/lib/homelab/.rollback"
SNAPSHOT = f"{FOLDER}/snapshot.json"
OUTCOME = f"{FOLDER}/outcome.json"
# Version 0.1.0 had them here; apply/migration.py moves them.
FORMER_PROGRAM = "/etc/homelab/way-back"
FORMER_SERVICE = "homelab-way-back.service"
FORMER_TIMER = "homelab-way-back.timer"
FORMER_FOLDER = "/var/lib/homelab/.way-back"
FORMER_SNAPSHOT = f"{FORMER_FOLDER}/snapshot.json"
# In memory: for a disk that is full or fails.
RUN = "/run/homelab"
COPY = f"{RUN}/rollback.json"
OUTCOME_COPY = f"{RUN}/rollback-outcome.json"
CONFIRMED = f"{RUN}/confirmed"
# The lock of the run that changes this host (apply/lock.py).
APPLYING = f"{RUN}/applying"
# How long a command may take, and how long the lock is waited for; its holder may hang.
COMMAND_SECONDS = 20
LOCK_SECONDS = 60

Snapshot = dict[str, Any]

# Programs that did not end in time, so that each costs that time once.
hung: set[str] = set()


def run(*argv: str, stdin: str = "", must: bool = False) -> str:
    """Return what a command prints, '' when it fails or hangs; the caller compares the state that follows.

    Raise OSError when a command that `must` answer fails: a snapshot is whole or none.
    """
    if argv[0] in hung and not must:
        return ""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, errors="surrogateescape", timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        hung.update([argv[0]] if isinstance(error, subprocess.TimeoutExpired) else [])
        if must:
            raise OSError(f"{' '.join(argv)}: {error}") from error
        return ""
    if must and done.returncode != 0:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout if done.returncode == 0 else ""


class Lock:
    """Keeps other runs from changing this host meanwhile (flock(2)). After LOCK_SECONDS it goes on without: the holder hangs."""

    def __enter__(self) -> None:
        self.descriptor = -1
        try:
            os.makedirs(RUN, mode=0o700, exist_ok=True)
            self.descriptor = os.open(APPLYING, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            return
        end = time.monotonic() + LOCK_SECONDS
        while not self._is_locked() and time.monotonic() < end:
            time.sleep(0.2)

    def _is_locked(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __exit__(self, *_error: object) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


def content(path: str) -> list[Any]:
    """Return a file's text and its mode."""
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return [stream.read(), os.fstat(stream.fileno()).st_mode & 0o777]


def read(path: str) -> Snapshot | None:
    """Return what a JSON file holds, None when it is missing or damaged."""
    try:
        found = json.loads(content(path)[0])
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def snapshot() -> Snapshot | None:
    """Return the snapshot, or its copy in memory where the disk does not give it; None where there is neither."""
    return read(SNAPSHOT) or read(COPY)


def write_snapshot(what: Snapshot) -> None:
    """Write the snapshot and its copy."""
    write(SNAPSHOT, what)
    write(COPY, what)


def outcome() -> Snapshot | None:
    """Return what the last rollback did; the copy in memory is of one that could not write to the disk."""
    return read(OUTCOME_COPY) or read(OUTCOME)


def write_outcome(what: dict[str, Any]) -> None:
    """Write what a rollback did, on the disk or, where that fails, in memory."""
    try:
        write(OUTCOME, what)
    except OSError:
        write(OUTCOME_COPY, what)
    else:
        if os.path.exists(OUTCOME_COPY):
            os.unlink(OUTCOME_COPY)


def write(path: str, what: dict[str, Any]) -> None:
    """Write a JSON file of the rollback's folders."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    replace(path, json.dumps(what), 0o600)


def replace(path: str, text: str, mode: int) -> None:
    """Replace a file in one step, and flush it to the disk."""
    scratch = f"{path}.new"
    with open(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8", errors="surrogateescape") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(scratch, path)
    flush(os.path.dirname(path))


def overwrite(path: str, text: str, mode: int) -> None:
    """Write a file in the place of the present one, which is removed first where its place is too small."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        _write_in_place(path, data, mode)
    except OSError:
        os.unlink(path)
        _write_in_place(path, data, mode)


def _write_in_place(path: str, data: bytes, mode: int) -> None:
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, mode), "wb", buffering=0) as stream:
        os.fchmod(stream.fileno(), mode)
        left = memoryview(data)
        while left:
            left = left[stream.write(left) :]
        stream.truncate(len(data))
        os.fsync(stream.fileno())


def flush(folder: str) -> None:
    """Flush a folder's names to the disk, fsync(2)."""
    if os.path.isdir(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def boot() -> str:
    """Return the id of this boot."""
    return str(content("/proc/sys/kernel/random/boot_id")[0]).strip()


def uptime() -> float:
    """Return the seconds since boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
