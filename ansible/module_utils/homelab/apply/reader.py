"""Applies the login that can only look."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from ..core import system
from ..core.observer import Resource
from ..observe.reader import ACCOUNT, HOME, KEYS, LIBRARY, PROGRAM, SUDOERS, files_of
from ..observe.service_user import find

PROC = Path("/proc")


def ensure(readers: Sequence[Resource], owner: str) -> None:
    """Make the account and its files, or remove them. Raise OSError or CommandError."""
    wanted = files_of(readers, owner)
    if not wanted:
        forget()
        return
    if find(ACCOUNT) is None:
        account = ["--system", "--no-create-home", "--home-dir", str(HOME), "--shell", "/bin/sh", "--comment", "homelab reader"]
        system.run(["useradd", *account, ACCOUNT])
    check_rule(wanted[SUDOERS].text)
    for path, file in wanted.items():
        if system.read_text(path) != file.text or os.stat(path).st_mode & 0o7777 != file.mode:
            system.make_folder(path.parent)
            system.write_text(path, file.text, mode=file.mode)
    for path in LIBRARY.rglob("*.py"):
        if path not in wanted:
            system.remove_file(path, empty_parents_below=LIBRARY)


def check_rule(text: str) -> None:
    """Raise CommandError for a rule that sudo would not take: it could keep everybody from becoming root."""
    with system.scratch_folder() as folder:
        system.write_text(folder / "rule", text, mode=0o440)
        system.run(["visudo", "-c", "-q", "-f", str(folder / "rule")])


def forget() -> None:
    """Remove the login: first what lets it run anything."""
    for path in (SUDOERS, KEYS, PROGRAM):
        system.remove_file(path)
    for folder in (LIBRARY, HOME):
        if folder.exists():
            shutil.rmtree(folder)
    account = find(ACCOUNT)
    if account is not None:
        _end_logins(account.pw_uid)
        system.run(["userdel", ACCOUNT])


def _end_logins(uid: int) -> None:
    """End what runs as a user: a login outlives its key, and userdel(8) removes no account in use."""
    end = time.monotonic() + 10
    while (processes := _processes(uid)) and time.monotonic() < end:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)


def _processes(uid: int) -> list[int]:
    """Return the processes that have a uid, as real or effective one (proc_pid_status(5))."""
    found = []
    for path in PROC.glob("[0-9]*/status"):
        # A process may end meanwhile.
        with contextlib.suppress(OSError):
            ids = re.search(r"^Uid:\s+(\d+)\s+(\d+)", path.read_text("utf-8", "replace"), re.MULTILINE)
            found += [int(path.parent.name)] if ids and str(uid) in ids.groups() else []
    return found
