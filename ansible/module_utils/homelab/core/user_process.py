"""Works on what belongs to a user: in a process that has that user's rights alone, and limits of time, memory and output.

A home is its user's: a file in it may be a link to anywhere, a pipe, a mount that never answers, or have no end. Root's own
process only gets the answer, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

SECONDS = 30.0
# Beside what the process has when it begins, in bytes.
MEMORY = 128 * 1024 * 1024
OUTPUT = 8 * 1024 * 1024

Answer = TypeVar("Answer")


def as_user(account: pwd.struct_passwd | None, work: Callable[[], Answer]) -> Answer:
    """Return what `work` returns, which has a form in JSON, run as a user; `account` is None for root, whose work needs no limits.

    Raise OSError with the reason when it raises anything, or exceeds a limit. Changes of variables stay in that process.
    """
    if account is None:
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _run(account, work, writing)
    os.close(writing)
    try:
        text = _read(reading, time.monotonic() + SECONDS)
    finally:
        os.close(reading)
        _end(child)
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise OSError("its process was killed") from error
    if "error" in answer:
        raise OSError(answer["error"])
    value: Answer = answer["value"]
    return value


def _read(descriptor: int, end: float) -> bytes:
    content = bytearray()
    while True:
        if not select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            raise OSError(f"no answer within {SECONDS:g} s")
        chunk = os.read(descriptor, 64 * 1024)
        if not chunk:
            return bytes(content)
        content += chunk
        if len(content) > OUTPUT:
            raise OSError(f"there is more than {OUTPUT // 2**20} MiB to read")


def _end(child: int) -> None:
    """End the process. One that the kernel does not let go, such as one that waits for a dead mount, is not waited for."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    end = time.monotonic() + 1
    while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < end:
        time.sleep(0.01)


def _run(account: pwd.struct_passwd, work: Callable[[], object], writing: int) -> NoReturn:
    """Do the work, print the answer, and end without anything that the parent has registered for its own end."""
    try:
        _confine(account, writing)
        text = json.dumps({"value": work()})
    except BaseException as error:
        # Its parent reports anything that goes wrong here; nobody else would.
        text = json.dumps({"error": _text_of(error)})
    with contextlib.suppress(OSError), open(writing, "w", encoding="ascii") as stream:
        stream.write(text)
    os._exit(0)


def _confine(account: pwd.struct_passwd, writing: int) -> None:
    """Give up root's rights and whatever is open: a lock would be held, and an output kept open, for as long as this lives."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.closerange(3, writing)
    os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))
    with open("/proc/self/statm", encoding="ascii") as stream:
        most = int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
        os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    os.chdir("/")


def _text_of(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"it takes more than {MEMORY // 2**20} MiB of memory"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}" if not isinstance(error, OSError) else str(error)
