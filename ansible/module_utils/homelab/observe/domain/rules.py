"""Contradictions between values of a domain, whatever the host has. Pure; providers/domain/schema.ts has the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...core import sizes
from ...core.observer import Resource
from . import overlay


def contradictions(resource: Resource) -> list[str]:
    """Return which values of a domain contradict each other, and what is wrong with its overlay."""
    found = overlay.errors(resource["xml"]) if "xml" in resource else []
    for index, disk in enumerate(resource["disks"]):
        if ("volume" in disk) == ("cdrom" in disk):
            found.append(f"disks.{index}: expected one of volume and cdrom")
    for index, one in enumerate(resource["interfaces"]):
        if "address" in one and "vlan" not in one:
            found.append(f"interfaces.{index}.address: it needs `vlan`, whose DHCP server hands it out")
    if {"user_data", "user_data_from"} <= resource.get("cloud_init", {}).keys():
        found.append("cloud_init: expected at most one of user_data and user_data_from")
    return found or [*number_faults(resource), *ready_faults(resource)]


def number_faults(resource: Resource) -> list[str]:
    """Numbers that contradict each other, and disks of one name."""
    found = []
    if "memory_max" in resource and sizes.mebibytes(resource["memory"]) > sizes.mebibytes(resource["memory_max"]):
        found.append(f"memory {resource['memory']} is more than memory_max")
    if resource["vcpus"] > resource.get("vcpus_max", resource["vcpus"]):
        found.append(f"vcpus {resource['vcpus']} is more than vcpus_max")
    targets = [disk["target"] for disk in resource["disks"] if "target" in disk] + (["sdf"] if "cloud_init" in resource else [])
    return found + [f"target {one} is not one disk's alone" for one in twice(targets)]


def twice(values: Iterable[str]) -> list[str]:
    """The values that are there more than once."""
    values = list(values)
    return [one for one in dict.fromkeys(values) if values.count(one) > 1]


def across(resources: Sequence[Resource]) -> dict[str, list[str]]:
    """Return contradictions between domains by name: a disk, MAC address, address or name of two guests."""
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
