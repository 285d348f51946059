"""What is wrong with a domain's unit whatever the host has. Pure; providers/domain/schema.ts says the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...core import sizes, validation
from ...core.observer import Resource
from . import overlay

FORMS = {
    "name": validation.LIBVIRT_NAME,
    "renamed_from": validation.LIBVIRT_NAME,
    "description": validation.LINE,
    "memory": validation.SIZE,
    "memory_max": validation.SIZE,
    "machine": validation.MACHINE,
    "cpu": validation.PROCESSOR,
}


def of(resource: Resource) -> list[str]:
    """A text for each fault of a unit with its defaults."""
    found = [fault for key, form in FORMS.items() if key in resource for fault in validation.errors(form, key, resource[key])]
    for key, value in resource.get("kernel", {}).items():
        found += validation.errors(validation.LINE if key == "cmdline" else validation.ABSOLUTE, key, value)
    for key, value in resource.get("cloud_init", {}).items():
        found += validation.errors(validation.USER_DATA if key == "user_data" else validation.NATIVE, f"cloud_init {key}", value)
    found += overlay.errors(resource["xml"]) if "xml" in resource else []
    found += [fault for disk in resource["disks"] for fault in disk_faults(disk)]
    found += [fault for one in resource["interfaces"] for fault in interface_faults(one)]
    return found or [*number_faults(resource), *ready_faults(resource)]


def number_faults(resource: Resource) -> list[str]:
    """Numbers that contradict each other, and disks of one name."""
    found = []
    if "memory_max" in resource and sizes.mebibytes(resource["memory"]) > sizes.mebibytes(resource["memory_max"]):
        found.append(f"memory {resource['memory']} is more than memory_max")
    if resource["vcpus"] > resource.get("vcpus_max", resource["vcpus"]):
        found.append(f"vcpus {resource['vcpus']} is more than vcpus_max")
    found += [f"vlan {one['vlan']} is not 1 to 4094" for one in resource["interfaces"] if not 1 <= one.get("vlan", 1) <= 4094]
    targets = [disk["target"] for disk in resource["disks"] if "target" in disk] + (["sdf"] if "cloud_init" in resource else [])
    return found + [f"target {one} is not one disk's alone" for one in twice(targets)]


def twice(values: Iterable[str]) -> list[str]:
    """The values that are there more than once."""
    values = list(values)
    return [one for one in dict.fromkeys(values) if values.count(one) > 1]


def across(resources: Sequence[Resource]) -> dict[str, list[str]]:
    """What contradicts between units, for each of them by name: a disk, a MAC address, an address or a name that is two guests'."""
    shared = {
        "volume": [disk["file"] for resource in resources for disk in resource["disks"] if disk["file"]],
        "mac": [one["mac"] for resource in resources for one in resource["interfaces"]],
        "address": [one["address"] for resource in resources for one in resource["interfaces"] if "address" in one],
    }
    doubles = {one for values in shared.values() for one in twice(values)}
    names = {resource["name"] for resource in resources}
    found: dict[str, list[str]] = {resource["name"]: [] for resource in resources}
    for resource in resources:
        has = [disk["file"] for disk in resource["disks"] if disk["device"] == "disk"]
        has += [value for one in resource["interfaces"] for value in (one["mac"], one.get("address", ""))]
        found[resource["name"]] += [f"{one} is not one guest's alone" for one in has if one in doubles]
        if resource.get("renamed_from") in names:
            found[resource["name"]].append(f"{resource['renamed_from']} is declared, too; take renamed_from out once the rename is done")
    return found


def ready_faults(resource: Resource) -> list[str]:
    """By what a guest cannot be known to be ready."""
    if resource["ready"] in ("agent", "cloud-init") and not resource.get("agent"):
        return [f"ready {resource['ready']} needs `agent: true`"]
    if "renamed_from" in resource and any(one.get("address") == "auto" for one in resource["interfaces"]):
        return ["renamed_from needs addresses that are given: auto makes them of the name"]
    if resource["ready"] == "ssh" and not any("address" in one for one in resource["interfaces"]):
        return ["ready ssh needs an interface with an address"]
    return []


def disk_faults(disk: Resource) -> list[str]:
    """What is wrong with a disk's texts."""
    found = validation.errors(validation.DISK_TARGET, "target", disk["target"]) if "target" in disk else []
    if ("volume" in disk) == ("cdrom" in disk):
        return [*found, "a disk has neither `volume` nor `cdrom`, or both"]
    if disk.get("cdrom"):
        found += validation.errors(validation.ABSOLUTE, "cdrom", disk["cdrom"])
    return found + (validation.errors(validation.VOLUME, "volume", disk["volume"]) if "volume" in disk else [])


def interface_faults(one: Resource) -> list[str]:
    """What is wrong with an interface's texts."""
    found = validation.errors(validation.LINK, "bridge", one["bridge"])
    found += validation.errors(validation.MAC, "mac", one["mac"]) if "mac" in one else []
    if "address" in one:
        found += validation.errors(validation.GUEST_ADDRESS, "address", one["address"])
        found += [] if "vlan" in one else [f"address {one['address']} needs `vlan`, whose DHCP server hands it out"]
    return found
