"""Observes volumes: disks of guests, as files of a pool. A unit is {pool, name, size, format, image?, on_delete}."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from . import libvirt_host, pool, records, sizes, system, texts
from .kind import Kind, Observation, Unit


class Volume(Kind):
    """Reads volumes. A file has no mark, so the record says whose it is."""

    kind = "volume"
    defaults: ClassVar[Unit] = {"format": "qcow2", "on_delete": "keep"}

    def name_of(self, unit: Unit) -> str:
        return f"{unit['pool']}/{unit['name']}"

    def faults(self, unit: Unit) -> list[str]:
        found = texts.faults(texts.LIBVIRT_NAME, "pool or name", unit["pool"], unit["name"])
        found += texts.faults(texts.SIZE, "size", unit["size"])
        return found + (texts.faults(texts.ABSOLUTE, "image", unit["image"]) if "image" in unit else [])

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        try:
            return [self._observe(unit) for unit in units]
        except libvirt_host.NotInstalled:
            return [Observation(self.name_of(unit)) for unit in units]

    def _observe(self, unit: Unit) -> Observation:
        path = path_of(unit)
        if path is None or not os.path.lexists(path):
            return Observation(self.name_of(unit))
        info = info_of(path)
        seen = Observation(self.name_of(unit), present=True)
        seen.facts = {"path": path, "format": info["format"], "size": sizes.shown(info["virtual-size"])}
        if info["format"] != unit["format"]:
            seen.drift.append(f"its format is {info['format']}, wanted {unit['format']}")
        if info["virtual-size"] != bytes_of(unit):
            seen.drift.append(f"its size is {sizes.shown(info['virtual-size'])}, wanted {unit['size']}")
        return seen

    def record_of(self, unit: Unit) -> records.Record:
        return {"on_delete": unit["on_delete"], "path": path_of(unit)}

    def marked(self, owner: str) -> list[str]:
        return []


def path_of(unit: Unit) -> str | None:
    """Where a volume lies; None while its pool is not there."""
    found = pool.lookup(unit["pool"])
    return None if found is None else os.path.join(pool.path_of(found), unit["name"])


def bytes_of(unit: Unit) -> int:
    """The size that a guest sees."""
    return sizes.mebibytes(unit["size"]) * 1024 * 1024


def info_of(path: str) -> dict[str, Any]:
    """What qemu-img(1) says of an image, also while a guest uses it. Raises CommandError."""
    found: dict[str, Any] = json.loads(system.run(["qemu-img", "info", "-U", "--output=json", path]).stdout)
    return found


observer = Volume()
