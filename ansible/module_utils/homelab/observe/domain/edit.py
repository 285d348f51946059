"""A domain's definition, edited in place. Pure.

Configured values are set, and the rest stays as libvirt has it: UUID, PCI addresses, machine version, NVRAM. An
edit of a definition that holds the unit changes nothing, so what an edit would change is the drift.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET

from . import edit_devices, elements, overlay
from .definition import OURS, OVERLAY, OWNER, Element, Resource, firmware_of, is_machine, overlay_of, parse

# The definition of a domain that does not exist yet.
NOTHING = parse("<domain/>")
# By UUID, so that a domain that is renamed keeps what is its own, and a new one of its old name gets none of it.
CONSOLES = "/var/log/libvirt/qemu"
NVRAMS = "/var/lib/libvirt/qemu/nvram"
# On q35, each of these takes one device that is attached while the guest runs.
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
    found = {"tpm": ["tpm"], "agent": [f"channel/target[@name='{edit_devices.AGENT}']/.."], "graphics": ["graphics", "video"]}
    for field, paths in found.items():
        for device in [one for path in paths for one in before.findall(f"devices/{path}") if resource.get(field) is None]:
            new = copy.deepcopy(device)
            # Where it was plugged in is the former machine's.
            for address in new.findall("address"):
                new.remove(address)
            elements.child(root, "devices").append(new)
    return root


def named(root: Element, name: str) -> Element:
    """A definition under another name."""
    root = copy.deepcopy(root)
    elements.text(root, "name", name)
    return root


def edited(root: Element, resource: Resource, owner: str) -> Element:
    """A definition as a unit of this owner wants it."""
    root = copy.deepcopy(root)
    elements.text(root, "name", resource["name"])
    elements.optional_text(root, "description", resource.get("description"))
    _mark(root, owner)
    _size(root, "memory", resource.get("memory_max") or resource["memory"])
    _size(root, "currentMemory", resource["memory"])
    _vcpus(root, resource["vcpus"], resource.get("vcpus_max") or resource["vcpus"])
    _cpu(root, resource.get("cpu"))
    _boot(elements.child(root, "os"), resource, root.findtext("uuid") or "")
    devices = elements.child(root, "devices")
    edit_devices.disks(devices, resource["disks"])
    edit_devices.interfaces(devices, resource["interfaces"])
    edit_devices.agent(devices, resource.get("agent"))
    edit_devices.graphics(devices, resource.get("graphics"), "<video" in (resource.get("xml") or ""))
    edit_devices.tpm(devices, resource.get("tpm"))
    return _overlaid(root, resource.get("xml"))


def _overlaid(root: Element, text: str | None) -> Element:
    """Merge the overlay (`xml`); its text is kept in the metadata, so that a later edit can remove it."""
    before = overlay_of(root)
    if text is None and before is None:
        return root
    root = overlay.merged(root, text, before)
    elements.optional_text(elements.child(elements.child(root, "metadata"), OURS), OVERLAY, text)
    return root


def _mark(root: Element, owner: str) -> None:
    mark, uuid = elements.child(elements.child(elements.child(root, "metadata"), OURS), OWNER), root.findtext("uuid") or ""
    # The one of an older version has no UUID, and is kept.
    if mark.text != owner or mark.get("uuid", uuid) != uuid:
        mark.text = owner
        mark.set("uuid", uuid)


def _size(root: Element, tag: str, mebibytes: int) -> None:
    """Sizes are as libvirt writes them: in KiB."""
    element = elements.child(root, tag)
    element.set("unit", "KiB")
    element.text = str(mebibytes * 1024)


def _vcpus(root: Element, now: int, most: int) -> None:
    element = elements.child(root, "vcpu")
    element.set("placement", element.get("placement", "static"))
    element.text = str(most)
    if now == most:
        element.attrib.pop("current", None)
    else:
        element.set("current", str(now))


def _cpu(root: Element, wanted: str | None) -> None:
    if wanted is None:
        return
    element = elements.child(root, "cpu")
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
        elements.set_attributes(element, mode="custom", match="exact")
        elements.text(element, "model", wanted)


def _boot(system: Element, resource: Resource, uuid: str) -> None:
    kind = elements.child(system, "type")
    if not is_machine(kind.get("machine", ""), resource["machine"]):
        kind.set("machine", resource["machine"])
    _firmware(system, resource["firmware"], uuid)
    kernel = resource.get("kernel", {})
    for tag in ("kernel", "initrd", "cmdline"):
        elements.optional_text(system, tag, kernel.get(tag))


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
        # One per domain: the file has the keys of secure boot, and libvirt never recreates an existing one.
        elements.text(system, "nvram", f"{NVRAMS}/{uuid}_{'SECURE_' if wanted == 'uefi-secure' else ''}VARS.fd")
