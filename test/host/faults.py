"""Injects one fault at one side effect of an apply: a file, a command, a call of libvirt's. Everything else happens as it would.

A point is a command, or another attempt to change the host. `kill` ends the process before it, so that nothing follows; from
`full` on the disk takes nothing more; `hang` and `fail` are of one command; at `clock` the
time of day steps by six hours.
"""

import contextlib
import errno
import os
import sys
import time

import libvirt_mock
from conftest import PATHS, WRITING

from ansible.module_utils.homelab.core import system

CALLS = {
    libvirt_mock.Domain: ["setAutostart", "create", "shutdown", "destroy", "undefineFlags", "rename", "snapshotCreateXML"],
    libvirt_mock.Pool: ["create", "setAutostart", "destroy", "undefine"],
    libvirt_mock.Connection: ["defineXMLFlags", "storagePoolDefineXML"],
}


class Killed(BaseException):
    """The process has ended."""


class Fault:
    """The fault of one apply. `points` are the side effects that were seen, in words."""

    def __init__(self, kind=None, at=None):
        self.kind, self.at, self.points, self.dead, self.on, self.step = kind, at, [], False, False, 0

    def point(self, what, *, is_write=False, is_command=False):
        """One more side effect is about to happen."""
        if not self.on:
            return None
        if self.dead:
            raise Killed
        self.points.append(what)
        number = len(self.points) - 1
        if self.kind == "kill" and number == self.at:
            self.dead = True
            raise Killed
        if self.kind == "full" and is_write and self.at is not None and number >= self.at:
            raise OSError(errno.ENOSPC, "No space left on device", what)
        if self.kind == "clock" and number == self.at:
            self.step = 6 * 3600
        if is_command and number == self.at and self.kind in ("hang", "fail"):
            return self.kind
        return None


_current = [None]


def _audit(event, args):
    fault = _current[0]
    if fault is None or not fault.on:
        return
    if event == "open":
        path, mode, flags = args
        writes = (isinstance(flags, int) and flags & WRITING) or (isinstance(mode, str) and set(mode) & set("wax+"))
        if writes and isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path) != os.devnull:
            fault.point(f"open {os.fsdecode(path)}", is_write=True)
    elif event in PATHS and event not in ("os.utime",):
        fault.point(f"{event} {args[0]}", is_write=event in ("os.mkdir", "os.link"))


sys.addaudithook(_audit)


@contextlib.contextmanager
def injected(monkeypatch, fault):
    """Have a fault happen to what is done within. A kill ends it; nothing that it would clean up happens."""
    real_run, real_write, real_remove = system.run, system.write_text, system.remove_file

    def run(argv, **more):
        words = [str(one) for one in argv]
        failing = fault.point(" ".join(words), is_command=True)
        if failing == "hang":
            raise system.CommandError(words, "no end after 120 s")
        if failing == "fail" and more.get("check", True):
            raise system.CommandError(words, "exit code 1")
        return real_run(argv, **more)

    def write_text(path, text, **more):
        fault.point(f"write {path}", is_write=True)
        return real_write(path, text, **more)

    def remove_file(path, **more):
        fault.point(f"remove {path}")
        return real_remove(path, **more)

    real_time = time.time
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: real_time() + fault.step)
        for name, instead in (("run", run), ("write_text", write_text), ("remove_file", remove_file)):
            patched.setattr(system, name, instead)
        for owner, names in CALLS.items():
            for name in names:
                patched.setattr(owner, name, _counted(fault, getattr(owner, name)))
        _current[0], fault.on = fault, True
        try:
            yield
        except Killed:
            pass
        finally:
            fault.on, _current[0] = False, None


def _counted(fault, real):
    def call(self, *args):
        fault.point(f"libvirt {real.__name__}")
        return real(self, *args)

    return call
