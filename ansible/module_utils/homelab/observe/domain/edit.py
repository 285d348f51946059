"""A domain's definition, edited in place. Pure.

Configured values are set, and the rest stays as libvirt has it: UUID, PCI addresses, machine version, NVRAM. An
edit of a definition that holds the unit changes nothing, so what an edit would change is the drift.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from typing import Any

from . import overlay
from .definition import OURS, OVERLAY, OWNER, Element, Resource, firmware_of, is_machine, mac_of, overlay_of, parse, target_of

# What a domain has that is not there yet.
NOTHING = parse("<domain/>")
AGENT = "org.qemu.guest_agent.0"
# By UUID, so that a domain that is renamed keeps what is its own, and a new one of its old name gets none of it.
CONSOLES = "/var/log/libvirt/qemu"
NVRAMS = "/var/lib/libvirt/qemu/nvram"
# Of q35 each takes one device that is plugged in while the guest runs.
SPARE_PORTS = 4


def skeleton(kind: str, uuid: str, resource: Resource) -> Element:
    """Return what a new domain has beside its configuration. `kind` is kvm or qemu.

    Clock and processor are as virt-install(1) makes them: without the HPET, whose ticks cost the host time even when the guest is
    idle, and with KVM the host's own processor, since QEMU's default one does not have what guests are built for.
    """
    machine = resource["machine"]
    # USB, random numbers, balloon, the agent's channel and graphics have a port each.
    count = SPARE_PORTS + 5 + len(resource["disks"]) + len(resource["interfaces"])
    port = '<controller type="pci" model="pcie-root-port"/>'
    ports = f'<controller type="pci" index="0" model="pcie-root"/>{port * count}' if is_machine(machine, "q35") else ""
    processor = '<cpu mode="host-passthrough"/>' if kind == "kvm" else ""
    return parse(f"""<domain type="{kind}">
        <uuid>{uuid}</uuid>
        <os><type arch="x86_64" machine="{machine}">hvm</type></os>
        <features><acpi/><apic/></features>
        {processor}
        <clock offset="utc">
            <timer name="rtc" tickpolicy="catchup"/><timer name="pit" tickpolicy="delay"/><timer name="hpet" present="no"/>
        </clock>
        <devices>
            {ports}
            <serial type="pty"><log file="{CONSOLES}/{uuid}.console.log" append="off"/></serial><console type="pty"/>
            <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
            <memballoon model="virtio"/>
        </devices>
    </domain>""")


def carried_over(root: Element, before: Element, resource: Resource) -> Element:
    """A new machine with what the one `before` has and the unit leaves as it is: TPM, the guest agent's channel, a screen."""
    root = copy.deepcopy(root)
    found = {"tpm": ["tpm"], "agent": [f"channel/target[@name='{AGENT}']/.."], "graphics": ["graphics", "video"]}
    for field, paths in found.items():
        for device in [one for path in paths for one in before.findall(f"devices/{path}") if resource.get(field) is None]:
            new = copy.deepcopy(device)
            # Where it was plugged in is the former machine's.
            for address in new.findall("address"):
                new.remove(address)
            _child(root, "devices").append(new)
    return root


def named(root: Element, name: str) -> Element:
    """A definition under another name."""
    root = copy.deepcopy(root)
    _text(root, "name", name)
    return root


def edited(root: Element, resource: Resource, owner: str) -> Element:
    """A definition as a unit of this owner wants it."""
    root = copy.deepcopy(root)
    _text(root, "name", resource["name"])
    _optional_text(root, "description", resource.get("description"))
    _mark(root, owner)
    _size(root, "memory", resource.get("memory_max") or resource["memory"])
    _size(root, "currentMemory", resource["memory"])
    _vcpus(root, resource["vcpus"], resource.get("vcpus_max") or resource["vcpus"])
    _cpu(root, resource.get("cpu"))
    _boot(_child(root, "os"), resource, root.findtext("uuid") or "")
    devices = _child(root, "devices")
    _disks(devices, resource["disks"])
    _interfaces(devices, resource["interfaces"])
    _agent(devices, resource.get("agent"))
    _graphics(devices, resource.get("graphics"), "<video" in (resource.get("xml") or ""))
    _tpm(devices, resource.get("tpm"))
    return _overlaid(root, resource.get("xml"))


def _overlaid(root: Element, text: str | None) -> Element:
    """Merge the overlay (`xml`); its text is kept in the metadata, so that a later edit can remove it."""
    before = overlay_of(root)
    if text is None and before is None:
        return root
    root = overlay.merged(root, text, before)
    _optional_text(_child(_child(root, "metadata"), OURS), OVERLAY, text)
    return root


def _child(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    return found if found is not None else ET.SubElement(parent, tag)


def _text(parent: Element, tag: str, value: object) -> None:
    _child(parent, tag).text = str(value)


def _optional_text(parent: Element, tag: str, value: object) -> None:
    if value is not None:
        _text(parent, tag, value)
    elif (found := parent.find(tag)) is not None:
        parent.remove(found)


def _set(element: Element, **attributes: str) -> None:
    for name, value in attributes.items():
        element.set(name, value)


def _mark(root: Element, owner: str) -> None:
    mark, uuid = _child(_child(_child(root, "metadata"), OURS), OWNER), root.findtext("uuid") or ""
    # That of an older version has no UUID, and stays.
    if mark.text != owner or mark.get("uuid", uuid) != uuid:
        mark.text = owner
        mark.set("uuid", uuid)


def _size(root: Element, tag: str, mebibytes: int) -> None:
    """Sizes are as libvirt writes them: in KiB."""
    element = _child(root, tag)
    element.set("unit", "KiB")
    element.text = str(mebibytes * 1024)


def _vcpus(root: Element, now: int, most: int) -> None:
    element = _child(root, "vcpu")
    element.set("placement", element.get("placement", "static"))
    element.text = str(most)
    if now == most:
        element.attrib.pop("current", None)
    else:
        element.set("current", str(now))


def _cpu(root: Element, wanted: str | None) -> None:
    if wanted is None:
        return
    element = _child(root, "cpu")
    is_mode = wanted in ("host-passthrough", "host-model", "maximum")
    if element.get("mode") == (wanted if is_mode else "custom") and (is_mode or element.findtext("model") == wanted):
        return
    element.attrib.clear()
    element.text = None
    for part in [one for one in element if one.tag not in ("topology", "numa")]:
        element.remove(part)
    if is_mode:
        element.set("mode", wanted)
    else:
        _set(element, mode="custom", match="exact")
        _text(element, "model", wanted)


def _boot(system: Element, resource: Resource, uuid: str) -> None:
    kind = _child(system, "type")
    if not is_machine(kind.get("machine", ""), resource["machine"]):
        kind.set("machine", resource["machine"])
    _firmware(system, resource["firmware"], uuid)
    kernel = resource.get("kernel", {})
    for tag in ("kernel", "initrd", "cmdline"):
        _optional_text(system, tag, kernel.get(tag))


def _firmware(system: Element, wanted: str, uuid: str) -> None:
    if firmware_of(system) == wanted:
        return
    system.attrib.pop("firmware", None)
    for tag in ("firmware", "loader", "nvram"):
        for old in system.findall(tag):
            system.remove(old)
    if wanted != "bios":
        system.set("firmware", "efi")
        features = ET.SubElement(system, "firmware")
        for name in ("enrolled-keys", "secure-boot"):
            ET.SubElement(features, "feature", enabled="yes" if wanted == "uefi-secure" else "no", name=name)
        # One each: the keys of secure boot are in it, and libvirt does not create it again where a file exists.
        _text(system, "nvram", f"{NVRAMS}/{uuid}_{'SECURE_' if wanted == 'uefi-secure' else ''}VARS.fd")


def _matched(devices: Element, tag: str, wanted: list[str], key: Any) -> dict[str, Element]:
    """The device of each wanted key, made where there is none; those that nobody wants are removed."""
    there = {key(device): device for device in devices.findall(tag)}
    for name, device in there.items():
        if name not in wanted:
            devices.remove(device)
    return {name: there[name] if name in there else ET.SubElement(devices, tag) for name in wanted}


def _disks(devices: Element, wanted: list[Resource]) -> None:
    found = _matched(devices, "disk", [disk["target"] for disk in wanted], target_of)
    for disk in wanted:
        element = found[disk["target"]]
        source = element.find("source")
        if source is not None and element.get("type") != "file":
            # What else it was taken from: a pool's volume, a block device, the network.
            element.remove(source)
        _set(element, type="file", device=disk["device"])
        _set(_child(element, "driver"), name="qemu")
        source = element.find("source")
        if disk.get("file"):
            _set(_child(element, "driver"), type=disk["format"])
            _set(_child(element, "source"), file=disk["file"])
        elif source is not None and source.get("file") is not None:
            element.remove(source)
        target = _child(element, "target")
        _set(target, dev=disk["target"], bus=target.get("bus") or disk["bus"])
        if disk["device"] == "cdrom":
            _child(element, "readonly")


def _interfaces(devices: Element, wanted: list[Resource]) -> None:
    found = _matched(devices, "interface", [one["mac"] for one in wanted], mac_of)
    for one in wanted:
        element = found[one["mac"]]
        element.set("type", "bridge")
        _set(_child(element, "mac"), address=one["mac"])
        source = _child(element, "source")
        source.attrib = {"bridge": one["bridge"]}
        _vlan(element, one.get("vlan"))
        _set(_child(element, "model"), type=one["model"])
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
        _set(_child(interface, "port"), isolated="yes")
    elif element is not None and element.get("isolated") == "yes":
        interface.remove(element)


def _agent(devices: Element, wanted: bool | None) -> None:
    found = devices.find(f"channel/target[@name='{AGENT}']/..")
    if wanted and found is None:
        channel = ET.SubElement(devices, "channel", type="unix")
        ET.SubElement(channel, "target", type="virtio", name=AGENT)
    elif wanted is False and found is not None:
        devices.remove(found)


def _graphics(devices: Element, wanted: str | None, has_card: bool) -> None:
    if wanted is None:
        return
    for old in devices.findall("graphics"):
        if old.get("type") != wanted or wanted == "none":
            devices.remove(old)
    if wanted == "none":
        return
    graphics = _child(devices, "graphics")
    if graphics.get("type") is None:
        _set(graphics, type=wanted, port="-1", autoport="yes", listen="127.0.0.1")
        if devices.find("video") is None and not has_card:
            ET.SubElement(ET.SubElement(devices, "video"), "model", type="virtio")
    # The console of a guest is for who is logged in on the host. Without an address libvirt's own default is that, too.
    for element in [graphics, *graphics.findall("listen")]:
        name = "listen" if element is graphics else "address"
        if element.get(name) is not None:
            element.set(name, "127.0.0.1")


def _tpm(devices: Element, wanted: bool | None) -> None:
    found = devices.find("tpm")
    if wanted and found is None:
        tpm = ET.SubElement(devices, "tpm", model="tpm-crb")
        ET.SubElement(tpm, "backend", type="emulator", version="2.0")
    elif wanted is False and found is not None:
        devices.remove(found)
