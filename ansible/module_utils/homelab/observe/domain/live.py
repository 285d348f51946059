"""Live changes of a running domain: the steps from its present definition to the one of its next start. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import definition
from .definition import Element, mac_of, target_of

# libvirt's calls, each for the running domain only: its persistent definition is as wanted already.
ATTACH, DETACH, UPDATE = "attachDeviceFlags", "detachDeviceFlags", "updateDeviceFlags"
MEMORY, VCPUS, TEXT = "setMemoryFlags", "setVcpusFlags", "setMetadata"


@dataclass(frozen=True)
class Step:
    """A call of libvirt with its argument, and the part of the definition that it changes (domain_xml.parts)."""

    part: str
    call: str
    argument: Any


def steps(has: Element, wanted: Element, balloon: bool) -> list[Step]:
    """In the order in which they are taken: what goes before what comes. `balloon`: whether the guest can change its memory."""
    found = [*_devices(has, wanted, "disk", target_of), *_devices(has, wanted, "interface", mac_of)]
    found.sort(key=lambda step: [DETACH, UPDATE, ATTACH].index(step.call))
    memory = _memory(has, wanted) if balloon else []
    return [*found, *_processors(has, wanted), *memory, *_description(has, wanted)]


def _devices(has: Element, wanted: Element, tag: str, key: Any) -> Iterator[Step]:
    before = {key(device): device for device in has.findall(f"devices/{tag}")}
    after = {key(device): device for device in wanted.findall(f"devices/{tag}")}
    for name, device in before.items():
        if name not in after:
            yield from _only_plugged(device, Step(f"{tag} {name}", DETACH, definition.render(device)))
    for name, device in after.items():
        if name not in before:
            yield from _only_plugged(device, Step(f"{tag} {name}", ATTACH, _placed(device, has)))
        elif values_of(before[name]) != values_of(device):
            yield from _changed(f"{tag} {name}", before[name], device)


def _only_plugged(device: Element, step: Step) -> Iterator[Step]:
    """CD drives, and disks of SATA and IDE, come and go with a boot."""
    bus = device.find("target")
    if device.tag == "interface" or (device.get("device") != "cdrom" and bus is not None and bus.get("bus") in ("virtio", "scsi")):
        yield step


def _placed(device: Element, has: Element) -> str:
    """A device for a running domain: where the definition has it, if the running one has that bus, else where libvirt finds room."""
    device = copy.deepcopy(device)
    address = device.find("address")
    if address is not None and address.get("type") == "pci":
        buses = [f"0x{int(one.get('index', '0')):02x}" for one in has.findall("devices/controller[@type='pci']")]
        if address.get("bus") not in buses:
            device.remove(address)
    return definition.render(device)


def _changed(part: str, has: Element, wanted: Element) -> Iterator[Step]:
    """A CD, or where an interface is plugged in. Another file for a disk, or another card, comes with a boot."""
    is_cd = has.get("device") == wanted.get("device") == "cdrom"
    if is_cd or (wanted.tag == "interface" and _model(has) == _model(wanted)):
        # libvirt wants the device as it is, with what changes.
        device = copy.deepcopy(wanted)
        if (alias := has.find("alias")) is not None:
            device.append(copy.deepcopy(alias))
        yield Step(part, UPDATE, definition.render(device))


def _model(interface: Element) -> str:
    return definition.attribute(interface, "model", "type")


def values_of(device: Element) -> list[object]:
    """Return the configured values of a device, as far as a running domain shows them."""
    if device.tag == "disk":
        names = [("source", "file"), ("driver", "type"), ("target", "bus")]
    else:
        names = [("source", "bridge"), ("model", "type"), ("port", "isolated")]
    if device.find("source[@file]") is None:
        # A running domain does not show the format of an empty drive.
        names = [one for one in names if one != ("driver", "type")]
    values: list[object] = [None if (found := device.find(path)) is None else found.get(name) for path, name in names]
    return [device.get("device"), *values, [one.get("id") for one in device.findall("vlan/tag")]]


def _processors(has: Element, wanted: Element) -> Iterator[Step]:
    """More of them. A guest that is asked to give some back may never do it, so that waits for the next boot."""
    now, most = _processors_of(has)
    then, _ = _processors_of(wanted)
    if now < then <= most:
        yield Step("vcpu", VCPUS, then)


def _processors_of(root: Element) -> tuple[int, int]:
    """How many there are now, and at most."""
    found = root.find("vcpu")
    if found is None:
        return 1, 1
    most = int(found.text or 1)
    return int(found.get("current", most)), most


def _memory(has: Element, wanted: Element) -> Iterator[Step]:
    """In KiB, as libvirt counts."""
    now, then = int(has.findtext("currentMemory") or 0), int(wanted.findtext("currentMemory") or 0)
    if now != then and then <= int(has.findtext("memory") or 0):
        yield Step("currentMemory", MEMORY, then)


def _description(has: Element, wanted: Element) -> Iterator[Step]:
    if has.findtext("description") != wanted.findtext("description"):
        yield Step("description", TEXT, wanted.findtext("description"))
