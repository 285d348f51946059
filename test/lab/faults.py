"""Lies on hv for faults.long.test.ts, and is imported by every Python there: one fault at one side effect of a module of ours.

/run/lab-fault is {fault, at}. Without a fault the side effects are listed in /run/lab-fault.log. What a module's own process does
counts, from when it begins to work: files that it opens for writing, moves, links or removes, folders, rights, and commands.
"""

import contextlib
import errno
import json
import os
import sys
import time

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "subprocess.Popen"}
# These take room on a disk.
TAKE_ROOM = {"open", "os.mkdir", "os.link", "os.symlink"}


class Injector:
    """The fault of one process."""

    def __init__(self, fault, at):
        self.fault, self.at, self.process, self.count, self.busy, self.works = fault, at, os.getpid(), 0, False, False

    def __call__(self, event, args):
        if event == "import" and args[0] == "ansible.module_utils.homelab.apply.converge":
            self.works = True
        if self.busy or not self.works or os.getpid() != self.process:
            return
        what = self.side_effect(event, args)
        if what:
            self.busy = True
            try:
                self.happen(event, what)
            finally:
                self.busy = False

    def side_effect(self, event, args):
        if event == "open":
            path, mode, flags = args
            writes = (isinstance(flags, int) and flags & WRITING) or (isinstance(mode, str) and set(mode) & set("wax+"))
            is_file = isinstance(path, str | bytes | os.PathLike) and not os.fsdecode(path).startswith(("/dev/", "/proc/"))
            return os.fsdecode(path) if writes and is_file else ""
        return str(args[0]) if event in EVENTS else ""

    def happen(self, event, what):
        number, self.count = self.count, self.count + 1
        if not self.fault:
            with open("/run/lab-fault.log", "a") as log:
                log.write(f"{event} {what}\n".encode("ascii", "replace").decode())
        elif self.fault == "full" and number >= self.at and event in TAKE_ROOM:
            raise OSError(errno.ENOSPC, "No space left on device", what)
        elif number == self.at:
            self.strike()

    def strike(self):
        if self.fault == "kill":
            os.kill(os.getpid(), 9)
        if self.fault == "clock":
            time.clock_settime(time.CLOCK_REALTIME, time.time() + 6 * 3600)
        if self.fault == "reset":
            with open("/proc/sysrq-trigger", "w") as trigger:
                trigger.write("b")


with contextlib.suppress(OSError, ValueError), open("/run/lab-fault") as stream:
    sys.addaudithook(Injector(**json.load(stream)))
