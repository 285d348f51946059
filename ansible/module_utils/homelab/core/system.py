"""The few ways in which observers and writers access a host: commands, files, text differences."""

from __future__ import annotations

import contextlib
import difflib
import errno
import hashlib
import os
import pwd
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .capture import Overflow, capture

# How much a command may print: one of root's, and one that runs as a user, who may have another program answer.
ROOTS_OUTPUT = 64 * 1024 * 1024
USERS_OUTPUT = 4 * 1024 * 1024
# The largest text that is read; a file of a user's may have any size.
LARGEST_TEXT = 16 * 1024 * 1024

# Where root's temporary folders are: in memory, gone with the boot.
SCRATCH = "/run"

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_COLORS": "0",
    "SYSTEMD_PAGER": "",
}


class CommandError(Exception):
    """A command failed. Its text gives reason, command, stderr and stdout, in that order."""

    def __init__(self, argv: Sequence[str], reason: str, stderr: str = "", stdout: str = "") -> None:
        parts = [f"{reason}: {' '.join(argv)}", stderr.strip(), stdout.strip()]
        super().__init__("\n".join(part for part in parts if part))


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    check: bool = True,
    timeout: float = 120,
    limit: int | None = None,
    env: dict[str, str] | None = None,
    cwd: str = "/",
    account: pwd.struct_passwd | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command given as a list; no shell ever reads it. `timeout` is in seconds, `limit` of its output in bytes.

    With `account` it runs as that user, who must linger: its runtime folder is where systemctl and podman look.
    Raises CommandError when it cannot be started, takes too long, prints too much or, with `check`, exits with other than 0.
    """
    limit = limit or (USERS_OUTPUT if account else ROOTS_OUTPUT)
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, **(_home(account) if account else {}), **(env or {})},
            cwd=cwd,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        output = capture(process, (stdin or "").encode("utf-8", "surrogateescape"), timeout=timeout, limit=limit)
    except FileNotFoundError as error:
        raise CommandError(argv, f"{error.filename or argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, f"no end after {timeout:g} s") from error
    except Overflow as error:
        raise CommandError(argv, f"more than {limit // 1024} KiB of output") from error
    stdout, stderr = (stream.decode("utf-8", "replace") for stream in output)
    if check and process.returncode != 0:
        raise CommandError(argv, f"exit code {process.returncode}", stderr, stdout)
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def _home(account: pwd.struct_passwd) -> dict[str, str]:
    return {"HOME": account.pw_dir, "USER": account.pw_name, "XDG_RUNTIME_DIR": f"/run/user/{account.pw_uid}"}


def installed(program: str) -> bool:
    """Whether a program is on the root user's path."""
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in ENVIRONMENT["PATH"].split(":"))


def read_text(path: str | Path, limit: int = LARGEST_TEXT) -> str | None:
    """Return the text of a file, None when there is none. Bytes that are not UTF-8 survive a later write.

    A link to /dev/null, by which systemd's files are masked, is an empty text. Raise OSError for anything else that is no regular
    file, since a pipe in a user's home must not block the reader, and for more bytes than `limit`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) and not os.path.samestat(found, os.stat(os.devnull)):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        with open(descriptor, "rb", closefd=False) as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise OSError(errno.EFBIG, f"it is larger than {limit // 1024} KiB", str(path))
        return content.decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)


def write_text(path: str | Path, text: str, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part (rename(2)), also after a power cut (fsync(2))."""
    folder = os.path.dirname(path)
    # One name for each file, so that the next write replaces what an interrupted one left.
    scratch = os.path.join(folder, f".homelab-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(scratch)
    descriptor = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fchown(stream.fileno(), uid, gid)
            os.fsync(stream.fileno())
        os.replace(scratch, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)
        raise
    sync_folder(folder)


def sync(path: str | Path) -> None:
    """Have a file, or the names in a folder, survive a power cut (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: str | Path) -> None:
    """Have the names in a folder survive a power cut."""
    with contextlib.suppress(PermissionError):
        # One that its user may not list is flushed with the rest.
        sync(folder)


def make_folder(path: str | Path, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
    """Make a folder and those above it; only folders that are new get mode and owner."""
    path = Path(path)
    if path.is_dir():
        return
    make_folder(path.parent, mode=mode, uid=uid, gid=gid)
    path.mkdir()
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    sync_folder(path.parent)


def remove_file(path: str | Path, *, empty_parents_below: str | Path | None = None) -> None:
    """Remove a file if it is there, then the folders above it that it leaves empty, down to (not including) one."""
    path = Path(path)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)
    if empty_parents_below is None:
        return
    floor = Path(empty_parents_below)
    for parent in path.parents:
        if parent == floor or floor not in parent.parents:
            return
        try:
            parent.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return


def text_diff(label: str, have: str | None, want: str | None) -> str:
    """A unified diff from what the host holds to what is wanted; empty when they are equal. Bytes that are not UTF-8 are `\\xe9`."""
    if have == want:
        return ""
    lines = difflib.unified_diff(
        [] if have is None else have.splitlines(),
        [] if want is None else want.splitlines(),
        fromfile=f"{label} (host)" if have is not None else f"{label} (missing on host)",
        tofile=f"{label} (wanted)" if want is not None else f"{label} (not wanted)",
        lineterm="",
        n=1,
    )
    shown = "\n".join(lines).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return shown or f"{label}: differs only in its last line's end"


def answers(path: str) -> bool:
    """Whether somebody listens at a socket; its file may stay behind."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        try:
            one.connect(path)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def scratch_folder(readers: pwd.struct_passwd | None = None) -> Iterator[Path]:
    """Make a folder that is gone afterwards: root's alone, or readable for a user, whose texts no other user may see."""
    with tempfile.TemporaryDirectory(prefix="homelab-", dir=SCRATCH if os.geteuid() == 0 else None) as folder:
        if readers and os.geteuid() == 0:
            os.chown(folder, 0, readers.pw_gid)
        os.chmod(folder, 0o750 if readers else 0o700)
        yield Path(folder)
