"""Observes volumes: disks of guests, as files of a pool. A unit is {pool, name, size, format, image?, on_delete}; `image` names one.

A guest writes the content of its disk, and so a header of any format. A file is opened only with the format that the record or the
domains that use it give it, and a file that nobody knows only with the configured one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..core import disk_space, records, sizes, system
from ..core.observer import Observation, Observer, Resource
from . import libvirt_host, pool
from .disk_users import User, users, users_of

# Bytes in a block of st_blocks, stat(2).
BLOCK = 512


class Volume(Observer):
    """Reads volumes. A file cannot carry an owner, so the record does."""

    kind = "volume"
    carries_owner = False

    def name_of(self, resource: Resource) -> str:
        return f"{resource['pool']}/{resource['name']}"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        found = users() if any(is_there(resource) for resource in resources) else []
        return [observe(resource, owner, found) for resource in resources]

    def warnings(self, resources: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        return {self.name_of(resource): [text] for resource in resources if (text := crowding(resource))}

    def record_of(self, resource: Resource) -> records.Record:
        path = path_of(resource)
        return {"on_delete": resource["on_delete"], "path": path, "format": resource["format"], "inode": inode_of(path)}

    def found(self) -> dict[str, str | None]:
        """All files in pools that are folders."""
        folders = {one.name(): Path(pool.path_of(one)) for one in libvirt_host.pools() if pool.type_of(one) == "dir"}
        files = [(name, file) for name, folder in folders.items() if folder.is_dir() for file in folder.iterdir() if file.is_file()]
        return {f"{name}/{file.name}": records.owner_of(self.kind, f"{name}/{file.name}") for name, file in files}


def observe(resource: Resource, owner: str, disk_users: Iterable[User]) -> Observation:
    """Return the observation of a volume: its size and its format. `disk_users` are those of all disk files."""
    name = f"{resource['pool']}/{resource['name']}"
    path = path_of(resource)
    if path is None:
        # The file outlives its pool.
        recorded = str((records.read(owner, "volume", name) or {}).get("path"))
        differences = [f"there is no pool {resource['pool']} for {recorded}"] if os.path.lexists(recorded) else []
        return Observation(name, present=bool(differences), differences=differences)
    if not os.path.lexists(path):
        # Behind a mount that is missing it may well be there, if it was ever applied.
        reason = pool.moved(resource["pool"]) if records.read(owner, "volume", name) else ""
        return Observation(name, present=bool(reason), differences=[reason] if reason else [])
    seen = Observation(name, present=True, owner=records.other_owner(owner, "volume", name))
    if reason := other_format(resource, path, disk_users):
        seen.differences.append(reason)
        return seen
    try:
        info = info_of(path, resource["format"])
    except system.CommandError as error:
        seen.differences.append(f"it is no volume of format {resource['format']}: {error}")
        return seen
    seen.facts = {"path": path, "format": resource["format"], "size": sizes.shown(info["virtual-size"])}
    if info["virtual-size"] != bytes_of(resource):
        seen.differences.append(f"its size is {sizes.shown(info['virtual-size'])}, wanted {resource['size']}")
    return seen


def path_of(resource: Resource) -> str | None:
    """Where a volume lies; None while its pool, or libvirt, is not there."""
    try:
        found = pool.lookup(resource["pool"])
    except libvirt_host.NotInstalled:
        return None
    return None if found is None else os.path.join(pool.path_of(found), resource["name"])


def is_there(resource: Resource) -> bool:
    """Whether a volume's file exists."""
    path = path_of(resource)
    return path is not None and os.path.lexists(path)


def other_format(resource: Resource, path: str, disk_users: Iterable[User]) -> str:
    """Return why a file must not be opened with the configured format; '' when the record and the domains that use it agree."""
    wanted, known = resource["format"], format_of(f"{resource['pool']}/{resource['name']}")
    if known not in (None, wanted):
        return f"{path} is {known}, and a volume's format does not change: declare that, or another volume"
    for user in users_of(path, disk_users):
        if user.format != wanted:
            return (
                f"domain {user.name} has {path} as {user.format}, wanted {wanted}, and a guest can write what looks like another format. "
                f"Declare `format: {user.format}`, or correct the domain's <driver type>"
            )
    return ""


def crowding(resource: Resource) -> str:
    """Why a volume, which takes room only as its guest writes, cannot become as large as the guest sees it; nothing when it can."""
    path = path_of(resource)
    if path is None or not os.path.isdir(folder := os.path.dirname(path)):
        return ""
    taken = os.lstat(path).st_blocks * BLOCK if os.path.lexists(path) else 0
    free = taken + disk_space.left_in(folder)
    if bytes_of(resource) <= free:
        return ""
    has = f"{free // sizes.MIB} MiB that {folder} has for it"
    return f"its {resource['size']} are more than the {has}; a guest is paused when it writes and all is full"


def inode_of(path: str | None) -> int | None:
    """Return a file's device and number (inode(7)); another file at the same path is not removed."""
    return os.lstat(path).st_ino if path and os.path.lexists(path) else None


def format_of(name: str) -> str | None:
    """The format of a volume, of whatever owner, as it was applied last; None when nobody has it."""
    return next((str(record["format"]) for record in records.of_all("volume", name) if "format" in record), None)


def bytes_of(resource: Resource) -> int:
    """The size that a guest sees."""
    return sizes.mebibytes(resource["size"]) * sizes.MIB


def info_of(path: str, form: str) -> dict[str, Any]:
    """Return qemu-img(1)'s information on a file as one of a format, also while a guest uses it. Raise CommandError."""
    found: dict[str, Any] = json.loads(system.run(["qemu-img", "info", "-U", "-f", form, "--output=json", path]).stdout)
    return found


observer = Volume()
