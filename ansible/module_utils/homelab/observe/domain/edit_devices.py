"""Edits the devices of a definition."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from ...core.observer import Resource
from . import elements
from .definition import Element, mac_of, target_of

AGENT = "org.qemu.guest_agent.0"


def _matched(devices: Element, tag: str, wanted: list[str], key: Any) -> dict[str, Element]:
    """The device of each wanted key, made where there is none; those that nobody wants are removed."""
    there = {key(device): device for device in devices.findall(tag)}
    for name, device in there.items():
        if name not in wanted:
            devices.remove(device)
    return {name: there[name] if name in there else ET.SubElement(devices, tag) for name in wanted}


def disks(devices: Element, wanted: list[Resource]) -> None:
    found = _matched(devices, "disk", [disk["target"] for disk in wanted], target_of)
    for disk in wanted:
        element = found[disk["target"]]
        source = element.find("source")
        if source is not None and element.get("type") != "file":
            # The former source: a pool's volume, a block device, the network.
            element.remove(source)
        elements.set_attributes(element, type="file", device=disk["device"])
        elements.set_attributes(elements.child(element, "driver"), name="qemu")
        source = element.find("source")
        if disk.get("file"):
            elements.set_attributes(elements.child(element, "driver"), type=disk["format"])
            elements.set_attributes(elements.child(element, "source"), file=disk["file"])
        elif source is not None and source.get("file") is not None:
            element.remove(source)
        target = elements.child(element, "target")
        elements.set_attributes(target, dev=disk["target"], bus=target.get("bus") or disk["bus"])
        if disk["device"] == "cdrom":
            elements.child(element, "readonly")


def interfaces(devices: Element, wanted: list[Resource]) -> None:
    found = _matched(devices, "interface", [one["mac"] for one in wanted], mac_of)
    for one in wanted:
        element = found[one["mac"]]
        element.set("type", "bridge")
        elements.set_attributes(elements.child(element, "mac"), address=one["mac"])
        source = elements.child(element, "source")
        source.attrib = {"bridge": one["bridge"]}
        _vlan(element, one.get("vlan"))
        elements.set_attributes(elements.child(element, "model"), type=one["model"])
        _isolated(element, one["isolated"])


def _vlan(interface: Element, wanted: int | None) -> None:
    element = interface.find("vlan")
    tags = [] if element is None else [tag.get("id") for tag in element]
    if tags == ([] if wanted is None else [str(wanted)]):
        return
    if element is not None:
        interface.remove(element)
    if wanted is not None:
        ET.SubElement(ET.SubElement(interface, "vlan"), "tag", id=str(wanted))


def _isolated(interface: Element, wanted: bool) -> None:
    element = interface.find("port")
    if wanted:
        elements.set_attributes(elements.child(interface, "port"), isolated="yes")
    elif element is not None and element.get("isolated") == "yes":
        interface.remove(element)


def agent(devices: Element, wanted: bool | None) -> None:
    found = devices.find(f"channel/target[@name='{AGENT}']/..")
    if wanted and found is None:
        channel = ET.SubElement(devices, "channel", type="unix")
        ET.SubElement(channel, "target", type="virtio", name=AGENT)
    elif wanted is False and found is not None:
        devices.remove(found)


def graphics(devices: Element, wanted: str | None, has_card: bool) -> None:
    if wanted is None:
        return
    for old in devices.findall("graphics"):
        if old.get("type") != wanted or wanted == "none":
            devices.remove(old)
    if wanted == "none":
        return
    graphics = elements.child(devices, "graphics")
    if graphics.get("type") is None:
        elements.set_attributes(graphics, type=wanted)
        if devices.find("video") is None and not has_card:
            ET.SubElement(ET.SubElement(devices, "video"), "model", type="virtio")
    # A port, of the loopback too, is every local account's; a socket, which libvirt names at the start, is root's and QEMU's.
    if [one.get("type") for one in graphics.findall("listen")] != ["socket"]:
        for name in ("port", "autoport", "websocket", "listen"):
            graphics.attrib.pop(name, None)
        for one in graphics.findall("listen"):
            graphics.remove(one)
        ET.SubElement(graphics, "listen", type="socket")


def tpm(devices: Element, wanted: bool | None) -> None:
    found = devices.find("tpm")
    if wanted and found is None:
        tpm = ET.SubElement(devices, "tpm", model="tpm-crb")
        ET.SubElement(tpm, "backend", type="emulator", version="2.0")
    elif wanted is False and found is not None:
        devices.remove(found)
