"""What is wrong with a domain's unit whatever the host has. Pure; providers/domain/schema.ts says the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import domain_overlay, sizes, texts
from .kind import Unit

FORMS = {
    "name": texts.LIBVIRT_NAME,
    "renamed_from": texts.LIBVIRT_NAME,
    "description": texts.LINE,
    "memory": texts.SIZE,
    "memory_max": texts.SIZE,
    "machine": texts.MACHINE,
    "cpu": texts.PROCESSOR,
}


def of(unit: Unit) -> list[str]:
    """A text for each fault of a unit with its defaults."""
    found = [fault for key, form in FORMS.items() if key in unit for fault in texts.faults(form, key, unit[key])]
    for key, value in unit.get("kernel", {}).items():
        found += texts.faults(texts.LINE if key == "cmdline" else texts.ABSOLUTE, key, value)
    for key, value in unit.get("cloud_init", {}).items():
        found += texts.faults(texts.USER_DATA if key == "user_data" else texts.NATIVE, f"cloud_init {key}", value)
    found += domain_overlay.faults(unit["xml"]) if "xml" in unit else []
    found += [fault for disk in unit["disks"] for fault in disk_faults(disk)]
    found += [fault for one in unit["interfaces"] for fault in interface_faults(one)]
    return found or [*number_faults(unit), *ready_faults(unit)]


def number_faults(unit: Unit) -> list[str]:
    """Numbers that contradict each other, and disks of one name."""
    found = []
    if "memory_max" in unit and sizes.mebibytes(unit["memory"]) > sizes.mebibytes(unit["memory_max"]):
        found.append(f"memory {unit['memory']} is more than memory_max")
    if unit["vcpus"] > unit.get("vcpus_max", unit["vcpus"]):
        found.append(f"vcpus {unit['vcpus']} is more than vcpus_max")
    found += [f"vlan {one['vlan']} is not 1 to 4094" for one in unit["interfaces"] if not 1 <= one.get("vlan", 1) <= 4094]
    targets = [disk["target"] for disk in unit["disks"] if "target" in disk] + (["sdf"] if "cloud_init" in unit else [])
    return found + [f"target {one} is not one disk's alone" for one in twice(targets)]


def twice(values: Iterable[str]) -> list[str]:
    """The values that are there more than once."""
    values = list(values)
    return [one for one in dict.fromkeys(values) if values.count(one) > 1]


def across(units: Sequence[Unit]) -> dict[str, list[str]]:
    """What contradicts between units, for each of them by name: a disk, a MAC address, an address or a name that is two guests'."""
    shared = {
        "volume": [disk["file"] for unit in units for disk in unit["disks"] if disk["file"]],
        "mac": [one["mac"] for unit in units for one in unit["interfaces"]],
        "address": [one["address"] for unit in units for one in unit["interfaces"] if "address" in one],
    }
    doubles = {one for values in shared.values() for one in twice(values)}
    names = {unit["name"] for unit in units}
    found: dict[str, list[str]] = {unit["name"]: [] for unit in units}
    for unit in units:
        has = [disk["file"] for disk in unit["disks"] if disk["device"] == "disk"]
        has += [value for one in unit["interfaces"] for value in (one["mac"], one.get("address", ""))]
        found[unit["name"]] += [f"{one} is not one guest's alone" for one in has if one in doubles]
        if unit.get("renamed_from") in names:
            found[unit["name"]].append(f"{unit['renamed_from']} is declared, too; take renamed_from out once the rename is done")
    return found


def ready_faults(unit: Unit) -> list[str]:
    """By what a guest cannot be known to be ready."""
    if unit["ready"] in ("agent", "cloud-init") and not unit.get("agent"):
        return [f"ready {unit['ready']} needs `agent: true`"]
    if "renamed_from" in unit and any(one.get("address") == "auto" for one in unit["interfaces"]):
        return ["renamed_from needs addresses that are given: auto makes them of the name"]
    if unit["ready"] == "ssh" and not any("address" in one for one in unit["interfaces"]):
        return ["ready ssh needs an interface with an address"]
    return []


def disk_faults(disk: Unit) -> list[str]:
    """What is wrong with a disk's texts."""
    found = texts.faults(texts.DISK_TARGET, "target", disk["target"]) if "target" in disk else []
    if ("volume" in disk) == ("cdrom" in disk):
        return [*found, "a disk has neither `volume` nor `cdrom`, or both"]
    if disk.get("cdrom"):
        found += texts.faults(texts.ABSOLUTE, "cdrom", disk["cdrom"])
    return found + (texts.faults(texts.VOLUME, "volume", disk["volume"]) if "volume" in disk else [])


def interface_faults(one: Unit) -> list[str]:
    """What is wrong with an interface's texts."""
    found = texts.faults(texts.LINK, "bridge", one["bridge"])
    found += texts.faults(texts.MAC, "mac", one["mac"]) if "mac" in one else []
    if "address" in one:
        found += texts.faults(texts.GUEST_ADDRESS, "address", one["address"])
        found += [] if "vlan" in one else [f"address {one['address']} needs `vlan`, whose DHCP server hands it out"]
    return found
