"""Observes disk quotas of service users by the tools of package quota: quotaon(8) and repquota(8)."""

from __future__ import annotations

import csv
import os
import re

from ..core import sizes, system
from ..core.disk_space import nearest
from ..core.observer import Resource

MISSING = "limits.disk needs setquota on this host; add package quota to `homelab_host.packages`"
TOOLS = ("setquota", "repquota", "quotaon")


def difference(resource: Resource) -> str:
    """Return how a user's quota differs from `limits.disk`; nothing where none is declared."""
    disk = (resource.get("limits") or {}).get("disk")
    if disk is None:
        return ""
    if reason := unavailable(resource["name"]):
        return reason
    has, wanted = limit_of(resource["uid"], mount_of(resource["name"])), kibibytes(disk)
    if has == wanted:
        return ""
    return f"its disk quota is {sizes.shown(has * 1024) if has else 'none'}, wanted {sizes.shown(wanted * 1024)}"


def kibibytes(disk: str) -> int:
    """Return a size in the blocks of setquota(8)."""
    return sizes.mebibytes(disk) * 1024


def mount_of(name: str) -> str:
    """Return where the file system of a user's home is mounted."""
    path = os.path.realpath(nearest(f"/home/{name}"))
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def installed() -> bool:
    """Return whether the tools are on this host."""
    return all(system.installed(tool) for tool in TOOLS)


def unavailable(name: str) -> str:
    """Return why a user's quota would not be in force; nothing where it would be."""
    if not installed():
        return MISSING
    if is_on(mount_of(name)):
        return ""
    return (
        f"limits.disk: {mount_of(name)}, the file system of /home/{name}, has no user quota in force. Mount it with usrquota "
        "and run quotaon (ext4), or mount it with uquota (XFS), or leave `disk` out"
    )


def is_on(mount: str) -> bool:
    """Return whether a file system limits its users. The exit code of quotaon(8) does not tell; `on (accounting)` limits nobody."""
    shown = system.run(["quotaon", "-p", "-u", "-v", mount], check=False).stdout
    return bool(re.search(r"^user quota on .* is on(?: \(enforced\))?$", shown, re.MULTILINE))


def limit_of(uid: int, mount: str) -> int:
    """Return how many KiB a user may use on a file system, 0 where it has no limit."""
    rows = csv.DictReader(system.run(["repquota", "-u", "-n", "-O", "csv", mount]).stdout.splitlines())
    return next((int(row["BlockHardLimit"]) for row in rows if row.get("User") == f"#{uid}"), 0)
