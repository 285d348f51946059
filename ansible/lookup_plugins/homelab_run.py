"""The identity of this run of ansible-playbook, so that a host can tell two runs apart and name the one with the lock."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: homelab_run
short_description: Identity of this run, and of the others on this controller
description: >-
  Gives {id, who, alive}. The id is machine boot, process namespace, user, process and its start, so it is never used again;
  alive holds the ids of all runs of Ansible on this controller, as far as /proc shows them, so that a host is not kept for
  one that was killed. Where /proc hides other users' processes, those are another controller's.
options: {}
"""


PROGRAMS = {"ansible", "ansible-console", "ansible-playbook", "ansible-pull"}


class LookupModule(LookupBase):
    """Reads /proc, proc(5)."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        own = os.getpid()
        while runs_ansible(parent_of(own)):
            own = parent_of(own)
        route = "pulumi" if "HOMELAB_EVENTS_FD" in os.environ else "ansible-playbook"
        alive = [id_of(int(path.name)) for path in Path("/proc").glob("[0-9]*") if runs_ansible(int(path.name))]
        who = f"{getpass.getuser()}@{socket.gethostname()}, {route} (process {own})"
        return [{"id": id_of(own), "who": who, "alive": sorted({*alive, id_of(own)} - {""})}]


def runs_ansible(process: int) -> bool:
    """Whether a process is a run of Ansible; one that has ended is not."""
    try:
        return is_ansible(os.fsdecode(Path(f"/proc/{process}/cmdline").read_bytes()).split("\0"))
    except OSError:
        return False


def is_ansible(words: list[str]) -> bool:
    """Whether a command line is one of Ansible's own programs, which are scripts of Python; a wrapper may run several."""
    if os.path.basename(words[0]).startswith("python"):
        words = [word for word in words[1:] if not word.startswith("-")] or [""]
    return os.path.basename(words[0]) in PROGRAMS


def parent_of(process: int) -> int:
    """The process that started one; 0 for none."""
    return int((fields_of(process) or [""] * 2)[1] or 0)


def id_of(process: int) -> str:
    """Return the identity of a process of this boot; empty when it has ended. The namespace tells containers apart."""
    fields = fields_of(process)
    if not fields:
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        user = os.stat(f"/proc/{process}").st_uid
    except OSError:
        return ""
    return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}/{user}/{process}-{fields[19]}"


def fields_of(process: int) -> list[str]:
    """Return /proc/<process>/stat from the state on; the name before it may contain spaces."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
