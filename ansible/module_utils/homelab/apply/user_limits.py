"""Applies the limits of service users."""

from __future__ import annotations

import pwd
from collections.abc import Sequence
from pathlib import Path

from ..core import records, sizes, system
from ..core.observer import Resource
from ..observe import disk_quota
from ..observe.user_limits import FOLDER, KIND, file_of, files_of, is_ours, is_stale, limits_of, render, slice_of
from .writer import Errors

CGROUPS = Path("/sys/fs/cgroup")
# The controller of the kernel that each limit needs, cgroups(7).
CONTROLLERS = {"memory": "memory", "tasks": "pids", "cpu": "cpu"}


def missing_prerequisites(resources: Sequence[Resource]) -> Errors:
    """Return which users need tools that are not installed yet, by name."""
    needing = [one["name"] for one in resources if "disk" in limits_of(one)]
    return dict.fromkeys(needing, disk_quota.MISSING) if needing and not disk_quota.installed() else {}


def rejection(resource: Resource) -> str:
    """Return why the host would not take a user's limits."""
    limits = limits_of(resource)
    needed = {key: CONTROLLERS[key] for key in limits if key in CONTROLLERS}
    path = file_of(resource["uid"])
    text = system.read_text(path)
    if needed and text is not None and not is_ours(text):
        return f"{path} is not managed by homelab, and limits are written there. Move its settings to another file, and remove it"
    has = (system.read_text(CGROUPS / "cgroup.controllers") or "").split()
    if missing := [(key, controller) for key, controller in needed.items() if controller not in has]:
        key, controller = missing[0]
        there = f"it has {', '.join(has)}" if has else "it has none of version 2"
        return f"limits.{key}: the kernel has no cgroup controller {controller} ({there}). Boot the host with it, or leave `{key}` out"
    return _would_kill(resource) or ("disk" in limits and disk_quota.unavailable(resource["name"])) or ""


def _would_kill(resource: Resource) -> str:
    """A limit below what is in use would have the kernel kill processes, and a change of limits is announced as live."""
    memory = limits_of(resource).get("memory")
    text = system.read_text(CGROUPS / "user.slice" / slice_of(resource["uid"]) / "memory.stat") or ""
    stat = dict(line.split(" ", 1) for line in text.splitlines())
    # Without swap, the kernel can free caches of files, and none of these.
    used = -(-sum(int(stat.get(key, 0)) for key in ("anon", "shmem")) // sizes.MIB)
    if memory is None or used <= sizes.mebibytes(memory):
        return ""
    return f"limits.memory: {memory} is less than the {used} MiB in use, so the kernel would kill processes. Stop some, or allow more"


def apply(resource: Resource, owner: str) -> None:
    """Write or remove a user's drop-in, have systemd read it, and set the quota."""
    path, wanted = file_of(resource["uid"]), render(resource, owner)
    text = system.read_text(path)
    removes, writes = wanted is None and is_ours(text), wanted is not None and wanted != text
    if removes:
        system.remove_file(path, empty_parents_below=FOLDER)
    if wanted is not None and writes:
        system.make_folder(path.parent)
        system.write_text(path, wanted)
    # Of a slice that is not there yet, systemd does not tell that it has to read a new folder.
    if removes or writes or is_stale(resource):
        system.run(["systemctl", "daemon-reload"])
    _set_quota(resource["name"], resource["uid"], limits_of(resource).get("disk"))


def remove(name: str, account: pwd.struct_passwd | None) -> None:
    """Remove a user's drop-in and quota, after the user itself was removed or kept."""
    files = files_of(name)
    for path in files:
        system.remove_file(path, empty_parents_below=FOLDER)
    if files:
        system.run(["systemctl", "daemon-reload"])
    if account:
        _set_quota(name, account.pw_uid, None)


def _set_quota(name: str, uid: int, disk: str | None) -> None:
    """Set a user's quota. Without one it is removed, but only where the record of an apply has it."""
    recorded = any("limits" in record for record in records.of_all(KIND, name))
    mount = disk_quota.mount_of(name) if disk or recorded else ""
    if mount and disk_quota.installed() and disk_quota.is_on(mount):
        limit = disk_quota.kibibytes(disk) if disk else 0
        system.run(["setquota", "-u", str(uid), "0", str(limit), "0", "0", mount])
