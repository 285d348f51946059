"""Observes libvirt's storage pools of type `dir`. A unit is {name, path}."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from ..core import records
from ..core.observer import Observation, Observer, Resource
from . import libvirt_host

# The mode of a new folder, as of libvirt's own: guests open the files that they are given, and nobody lists the folder.
MODE = 0o711


class Pool(Observer):
    """Reads pools. libvirt keeps no metadata of theirs, so the record has their owner."""

    kind = "pool"
    carries_owner = False

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        try:
            return [observe(resource, owner) for resource in resources]
        except libvirt_host.NotInstalled as reason:
            return self.unseen(resources, owner, str(reason))

    def record_of(self, resource: Resource) -> records.Record:
        """Return a folder's device and number (inode(7)); the root of a file system has another number than the empty folder below it."""
        return {"inode": inode_of(resource["path"])}

    def found(self) -> dict[str, str | None]:
        return {pool.name(): records.owner_of(self.kind, pool.name()) for pool in libvirt_host.pools()}


def lookup(name: str) -> Any | None:
    """A pool by name, None when there is none."""
    return libvirt_host.found(lambda: libvirt_host.connection().storagePoolLookupByName(name), libvirt_host.NO_POOL)


def path_of(pool: Any) -> str:
    """The folder of a pool."""
    return ET.fromstring(pool.XMLDesc(0)).findtext("target/path") or ""


def inode_of(path: str) -> int | None:
    """The number of a folder that is there."""
    return os.stat(path).st_ino if os.path.isdir(path) else None


def moved(name: str) -> str:
    """Why no volume of a pool is to be made: its folder is not the one that its volumes lie in."""
    pool = lookup(name)
    known = {record["inode"] for record in records.of_all("pool", name) if record.get("inode") is not None}
    if pool is None or not known or inode_of(path_of(pool)) in known:
        return ""
    question = f"{path_of(pool)} is not the folder that pool {name} had: is its file system mounted?"
    return f"{question} If it is a new one, set `adopt: true` on the pool"


def lost(name: str) -> str:
    """Why a folder must not be taken for a pool's own new one either: volumes of it are not there."""
    if not moved(name):
        return ""
    paths = [path for owner in records.owners() for path in records.paths(owner, "volume", f"{name}/")]
    missing = [path for path in paths if not os.path.lexists(path)]
    question = "is its file system mounted? If they are gone, take them out of the configuration first"
    return f"{', '.join(missing)} of pool {name} is missing: {question}" if missing else ""


def type_of(pool: Any) -> str:
    """libvirt's type of a pool; `dir` is a folder."""
    return ET.fromstring(pool.XMLDesc(0)).get("type", "")


def observe(resource: Resource, owner: str) -> Observation:
    """Return the observation of a pool: its folder, and whether it is started now and at boot."""
    pool = lookup(resource["name"])
    if pool is None:
        return Observation(resource["name"])
    seen = Observation(resource["name"], present=True, facts={"path": resource["path"]})
    seen.owner = records.other_owner(owner, "pool", resource["name"])
    if type_of(pool) != "dir":
        seen.differences.append(f"it is a pool of type {type_of(pool)}, wanted dir")
    if (path := path_of(pool)) != resource["path"]:
        seen.differences.append(f"its path is {path}, wanted {resource['path']}")
    elif not os.path.isdir(path):
        seen.differences.append(f"{path} does not exist")
    if not pool.isActive():
        seen.differences.append("it is stopped, wanted started")
    if not pool.autostart():
        seen.differences.append("it is not started at boot")
    return seen


observer = Pool()
