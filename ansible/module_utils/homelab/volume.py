"""Observes volumes: disks of guests, as files of a pool. A unit is {pool, name, size, format, image?, on_delete}; `image` names one.

What a guest writes into its disk is never asked what the disk is: the format is the declared one, which the record keeps.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from . import libvirt_host, pool, records, room, sizes, system, texts
from .kind import Kind, Observation, Unit

# Of st_blocks, stat(2).
BLOCK = 512


class Volume(Kind):
    """Reads volumes. A file has no mark, so the record says whose it is."""

    kind = "volume"
    bears_marks = False
    defaults: ClassVar[Unit] = {"format": "qcow2", "on_delete": "keep"}

    def name_of(self, unit: Unit) -> str:
        return f"{unit['pool']}/{unit['name']}"

    def faults(self, unit: Unit) -> list[str]:
        found = texts.faults(texts.LIBVIRT_NAME, "pool or name", unit["pool"], unit["name"])
        found += texts.faults(texts.SIZE, "size", unit["size"])
        return found + (texts.faults(texts.LIBVIRT_NAME, "image", unit["image"]) if "image" in unit else [])

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        return [observe(unit, owner) for unit in units]

    def warnings(self, units: Sequence[Unit], owner: str) -> dict[str, list[str]]:
        return {self.name_of(unit): [text] for unit in units if (text := crowding(unit))}

    def record_of(self, unit: Unit) -> records.Record:
        path = path_of(unit)
        return {"on_delete": unit["on_delete"], "path": path, "format": unit["format"], "inode": inode_of(path)}

    def found(self) -> dict[str, str | None]:
        """All files in pools that are folders."""
        folders = {one.name(): Path(pool.path_of(one)) for one in libvirt_host.pools() if pool.type_of(one) == "dir"}
        files = [(name, file) for name, folder in folders.items() if folder.is_dir() for file in folder.iterdir() if file.is_file()]
        return {f"{name}/{file.name}": records.owner_of(self.kind, f"{name}/{file.name}") for name, file in files}


def observe(unit: Unit, owner: str) -> Observation:
    """One volume: its size, and whether it is of its format."""
    name = f"{unit['pool']}/{unit['name']}"
    path = path_of(unit)
    if path is None:
        # The file outlives its pool.
        recorded = str((records.read(owner, "volume", name) or {}).get("path"))
        is_there = os.path.lexists(recorded)
        return Observation(name, present=is_there, drift=[f"there is no pool {unit['pool']} for {recorded}"] if is_there else [])
    if not os.path.lexists(path):
        # Behind a mount that is missing it may well be there, if it was ever applied.
        reason = pool.moved(unit["pool"]) if records.read(owner, "volume", name) else ""
        return Observation(name, present=bool(reason), drift=[reason] if reason else [])
    seen = Observation(name, present=True, marked_by=records.other_owner(owner, "volume", name))
    try:
        info = info_of(path, unit["format"])
    except system.CommandError as error:
        seen.drift.append(f"it is no volume of format {unit['format']}: {error}")
        return seen
    seen.facts = {"path": path, "format": unit["format"], "size": sizes.shown(info["virtual-size"])}
    if info["virtual-size"] != bytes_of(unit):
        seen.drift.append(f"its size is {sizes.shown(info['virtual-size'])}, wanted {unit['size']}")
    return seen


def path_of(unit: Unit) -> str | None:
    """Where a volume lies; None while its pool, or libvirt, is not there."""
    try:
        found = pool.lookup(unit["pool"])
    except libvirt_host.NotInstalled:
        return None
    return None if found is None else os.path.join(pool.path_of(found), unit["name"])


def crowding(unit: Unit) -> str:
    """Why a volume, which takes room only as its guest writes, cannot become as large as the guest sees it; nothing when it can."""
    path = path_of(unit)
    if path is None or not os.path.isdir(folder := os.path.dirname(path)):
        return ""
    taken = os.lstat(path).st_blocks * BLOCK if os.path.lexists(path) else 0
    free = taken + room.left_in(folder)
    if bytes_of(unit) <= free:
        return ""
    has = f"{free // sizes.MIB} MiB that {folder} has for it"
    return f"its {unit['size']} are more than the {has}; a guest is paused when it writes and all is full"


def inode_of(path: str | None) -> int | None:
    """Which file it is (inode(7)); another one at the same place is not ours to remove."""
    return os.lstat(path).st_ino if path and os.path.lexists(path) else None


def format_of(name: str) -> str | None:
    """The format of a volume, of whatever owner, as it was applied last; None when nobody has it."""
    return next((str(record["format"]) for record in records.of_all("volume", name) if "format" in record), None)


def bytes_of(unit: Unit) -> int:
    """The size that a guest sees."""
    return sizes.mebibytes(unit["size"]) * sizes.MIB


def info_of(path: str, form: str | None = None) -> dict[str, Any]:
    """What qemu-img(1) says of an image of a format, also while a guest uses it; without one it guesses. Raises CommandError."""
    named = ["-f", form] if form else []
    found: dict[str, Any] = json.loads(system.run(["qemu-img", "info", "-U", *named, "--output=json", path]).stdout)
    return found


observer = Volume()
