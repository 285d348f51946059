"""The identity of this run of ansible-playbook, so that a host can tell two runs apart and name the one with the lock."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: homelab_run
short_description: Identity of this run, and of the others on this controller
description: >-
  Gives {id, who, alive, operator, controller, route, commit}.
  The id is machine boot, process namespace, user, process and its start, so it is never used again;
  alive holds the ids of all runs of Ansible on this controller, as far as /proc shows them, so that a host is not kept for
  one that was killed. Where /proc hides other users' processes, those are another controller's.
  commit is that of the inventory in git, with a + where a file of the inventory is not as committed; empty without git.
options: {}
"""


PROGRAMS = {"ansible", "ansible-console", "ansible-playbook", "ansible-pull"}


class LookupModule(LookupBase):
    """Reads /proc, proc(5)."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        own = os.getpid()
        while runs_ansible(parent_of(own)):
            own = parent_of(own)
        route, program = ("pulumi", "pulumi") if "HOMELAB_EVENTS_FD" in os.environ else ("ansible", "ansible-playbook")
        alive = [id_of(int(path.name)) for path in Path("/proc").glob("[0-9]*") if runs_ansible(int(path.name))]
        controller = socket.gethostname()
        operator = f"{getpass.getuser()}@{controller}"
        return [
            {
                "id": id_of(own),
                "who": f"{operator}, {program} (process {own})",
                "alive": sorted({*alive, id_of(own)} - {""}),
                "operator": operator,
                "controller": controller,
                "route": route,
                "commit": commit_of(inventory_of(variables or {})),
            }
        ]


def inventory_of(variables: dict[str, Any]) -> str:
    """Return the folder of the inventory; that of the first source for a host that Pulumi removes and no file names any more."""
    sources = variables.get("ansible_inventory_sources") or [""]
    return variables.get("inventory_dir") or os.path.dirname(sources[0])


def commit_of(folder: str) -> str:
    """Return the commit that a folder is at, with a + where something in it differs; empty where git has nothing of it."""
    if not folder:
        return ""
    try:
        _git(folder, "ls-files", "--error-unmatch", ".")
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(folder: str, *words: str) -> str:
    # A hook of git's that starts this names another repository; a preview takes no lock in this one.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True, timeout=10, env=env)
    return done.stdout.strip()


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
