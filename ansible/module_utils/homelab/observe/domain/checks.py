"""Rejections of domains that a host cannot run, before anything is changed. Pure, but for what the caller passes in.

libvirt defines many a domain that no start would bring up: an unknown processor, more memory than there is. What the host can
is in its domain capabilities (https://libvirt.org/formatdomaincaps.html).
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ...core import sizes, system
from ...core.observer import Resource
from .definition import Element


def reasons(resource: Resource, can: Element, memory: int) -> list[str]:
    """Return why a host cannot run a domain. `can`: libvirt's capabilities for its machine type; `memory`: the host's, in MiB."""
    found = [*_firmware(resource, can), *_processor(resource, can), *_graphics(resource, can)]
    vcpu = can.find("vcpu")
    most = 1 if vcpu is None else int(vcpu.get("max", "1"))
    if (count := resource.get("vcpus_max") or resource["vcpus"]) > most:
        found.append(f"{count} vcpus are more than machine type {resource['machine']} has, which are {most}")
    if (size := resource.get("memory_max") or resource["memory"]) > memory:
        found.append(f"{size} MiB of memory are more than this host has, which are {memory} MiB")
    return found


def crowding(resources: Iterable[Resource], others: int, memory: int) -> dict[str, list[str]]:
    """Return the guests that do not fit beside those before them, by name. `others` is the memory of other guests, in MiB.

    It is a warning: a guest gets pages of the host's memory only as it uses them.
    """
    found, total = {}, others
    for resource in resources:
        total += sizes.mebibytes(resource["memory"]) if resource["running"] else 0
        if resource["running"] and total > memory:
            text = f"with this one the guests that run are to have {total} MiB of memory, and this host has {memory} MiB"
            found[resource["name"]] = [f"{text}; when it runs short, the kernel ends one of them"]
    return found


def _firmware(resource: Resource, can: Element) -> list[str]:
    if resource["firmware"] == "uefi-secure" and "yes" not in _values(can, "os/loader/enum[@name='secure']"):
        return ["firmware with secure boot is not on this host, or not for this machine type; q35 has it, with package ovmf"]
    return []


def _processor(resource: Resource, can: Element) -> list[str]:
    wanted = resource.get("cpu")
    if wanted is None:
        return []
    modes = {mode.get("name"): mode for mode in can.findall("cpu/mode")}
    if wanted in modes and wanted != "custom":
        usable = modes[wanted].get("supported") == "yes"
        return [] if usable else [f"cpu {wanted} needs KVM, which does not work on this host"]
    models = {model.text or "": model.get("usable") for model in can.findall("cpu/mode[@name='custom']/model")}
    runs = ", ".join(sorted(name for name, usable in models.items() if usable == "yes"))
    if wanted not in models:
        return [f"cpu {wanted} is no model that this host's QEMU knows; those that run here are {runs}"]
    return (
        [f"cpu {wanted} has features that this host's processor does not have; those that run here are {runs}"]
        if models[wanted] == "no"
        else []
    )


def _graphics(resource: Resource, can: Element) -> list[str]:
    wanted = resource.get("graphics", "none")
    is_there = wanted in ("none", *_values(can, "devices/graphics/enum[@name='type']"))
    return [] if is_there else [f"graphics {wanted} are not in this host's QEMU"]


def _values(can: Element, path: str) -> list[str]:
    return [value.text or "" for value in can.findall(f"{path}/value")]


def missing_packages(resource: Resource, can: Element) -> list[str]:
    """Return what a domain needs from packages that the same run may install with the host's base. `can` is as for `reasons`."""
    found = []
    if resource["firmware"] != "bios" and "efi" not in _values(can, "os/enum[@name='firmware']"):
        found.append(f"firmware {resource['firmware']} is not on this host; add package ovmf to `homelab_host.packages`")
    if resource.get("tpm") and "emulator" not in _values(can, "devices/tpm/enum[@name='backendModel']"):
        found.append("a TPM needs swtpm on this host; add package swtpm-tools to `homelab_host.packages`")
    return found


def missing_files(resource: Resource) -> list[str]:
    """Return the files on the host that a domain names and that do not exist."""
    kernel = resource.get("kernel", {})
    paths = [kernel[key] for key in ("kernel", "initrd") if key in kernel] + [
        disk["cdrom"] for disk in resource["disks"] if disk.get("cdrom")
    ]
    found = [f"there is no file {path} on this host" for path in paths if not os.path.isfile(path)]
    if "cloud_init" in resource and not system.installed("genisoimage"):
        found.append("cloud_init needs genisoimage on this host; `hypervisor: true` in `homelab_host` brings it")
    return found
