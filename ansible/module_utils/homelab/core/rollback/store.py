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
# The lock of the run that changes this host (apply/lock.py).
APPLYING = "/run/homelab/applying"

Snapshot = dict[str, Any]


def run(*argv: str, stdin: str = "", must: bool = False) -> str:
    """Return what a command prints, '' when it fails; the caller compares the state that follows.

    Raise OSError when a command that `must` answer fails: a snapshot is whole or none.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, errors="surrogateescape", timeout=60, check=False)
    if must and done.returncode != 0:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout if done.returncode == 0 else ""


class Lock:
    """Keeps other runs from changing this host meanwhile (flock(2))."""

    def __enter__(self) -> None:
        os.makedirs(os.path.dirname(APPLYING), mode=0o700, exist_ok=True)
        self.descriptor = os.open(APPLYING, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_error: object) -> None:
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


def write(path: str, what: dict[str, Any]) -> None:
    """Write a JSON file of the rollback's folder."""
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
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
