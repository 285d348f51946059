"""A domain's definition as a document. Pure; libvirt's domain format (https://libvirt.org/formatdomain.html)."""

from __future__ import annotations

import contextlib
import copy
import io
import xml.etree.ElementTree as ET
from typing import Any

Resource = dict[str, Any]
Element = ET.Element

NAMESPACE = "urn:homelab:domain"
# libvirt keeps one element of a namespace.
OURS = f"{{{NAMESPACE}}}domain"
OWNER = f"{{{NAMESPACE}}}owner"
OVERLAY = f"{{{NAMESPACE}}}xml"
ET.register_namespace("homelab", NAMESPACE)


def parse(text: str) -> Element:
    """A definition as a tree. Blanks between elements, which mean nothing, are left out."""
    for _, (prefix, uri) in ET.iterparse(io.StringIO(text), events=["start-ns"]):
        # Keeps metadata of others as it was read; a default namespace would be declared for the whole domain.
        with contextlib.suppress(ValueError):
            if prefix:
                ET.register_namespace(prefix, uri)
    root = ET.fromstring(text)
    for element in root.iter():
        if not (element.text or "").strip():
            element.text = None
        element.tail = None
    return root


def render(root: Element) -> str:
    """A tree as text, one element a line."""
    whole = copy.deepcopy(root)
    ET.indent(whole)
    return ET.tostring(whole, encoding="unicode") + "\n"


def shown(root: Element) -> str:
    """The same for people: without passwords, which graphics may have."""
    whole = copy.deepcopy(root)
    for element in whole.iter():
        if "passwd" in element.attrib:
            element.set("passwd", "********")
    return render(whole)


def owner_of(root: Element) -> str | None:
    """Return the owner in a definition. A copy of a definition has none: the owner is recorded together with the UUID."""
    mark = root.find(f"metadata/{OURS}/{OWNER}")
    return None if mark is None or mark.get("uuid", root.findtext("uuid")) != root.findtext("uuid") else mark.text


def overlay_of(root: Element) -> str | None:
    """Return the overlay (`xml`) with which a definition was last edited."""
    return root.findtext(f"metadata/{OURS}/{OVERLAY}")


def target_of(disk: Element) -> str:
    """The name of a disk's device, such as vda, by which it is known."""
    return attribute(disk, "target", "dev")


def mac_of(interface: Element) -> str:
    """The MAC address by which an interface is known."""
    return attribute(interface, "mac", "address")


def files_of(root: Element) -> dict[str, str]:
    """The file of each disk, by its target; an empty text for an empty drive."""
    return {target_of(disk): attribute(disk, "source", "file") for disk in root.findall("devices/disk")}


def plugs_of(root: Element) -> dict[str, tuple[str, int | None]]:
    """Where each interface is plugged in, bridge and VLAN, by its MAC address."""
    found = {}
    for one in root.findall("devices/interface"):
        tag = attribute(one, "vlan/tag", "id")
        found[mac_of(one)] = (attribute(one, "source", "bridge"), int(tag) if tag else None)
    return found


def attribute(element: Element, tag: str, name: str) -> str:
    """An attribute of an element's child, an empty text where there is none."""
    found = element.find(tag)
    return "" if found is None else found.get(name, "")


def is_machine(has: str, wanted: str) -> bool:
    """Whether a machine type is the wanted one; `q35` and `pc` stand for any version of theirs."""
    family = {"q35": "pc-q35-", "pc": "pc-i440fx-"}.get(wanted)
    return has == wanted or (family is not None and has.startswith(family))


def firmware_of(system: Element) -> str:
    """bios, uefi or uefi-secure, as a definition's <os> has it. An older one names the loader's file itself."""
    if system.get("firmware") != "efi" and attribute(system, "loader", "type") != "pflash":
        return "bios"
    secure = "yes" in (attribute(system, "loader", "secure"), attribute(system, "firmware/feature[@name='secure-boot']", "enabled"))
    return "uefi-secure" if secure else "uefi"


def needs_replacement(root: Element, resource: Resource) -> bool:
    """Whether a unit wants another machine type or firmware: hardware that an installed guest takes for another computer."""
    system = root.find("os")
    if system is None:
        return False
    return firmware_of(system) != resource["firmware"] or not is_machine(attribute(system, "type", "machine"), resource["machine"])


def parts(root: Element) -> dict[str, str]:
    """A definition's parts as texts, each by a name that people know it by: `memory`, `disk vda`, `interface 52:54:…`."""
    found: dict[str, str] = {}
    for element in [*(one for one in root if one.tag != "devices"), *root.findall("devices/*")]:
        name = {"disk": f"disk {target_of(element)}", "interface": f"interface {mac_of(element)}"}.get(element.tag, element.tag)
        # A domain may have several of any other device.
        found[name] = found.get(name, "") + shown(element)
    return found


def differences(has: Element, wanted: Element) -> dict[str, tuple[str, str]]:
    """The parts in which two definitions differ, as (has, wanted); an empty text where one has none."""
    before, after = parts(has), parts(wanted)
    names = [*before, *(name for name in after if name not in before)]
    both = {name: (before.get(name, ""), after.get(name, "")) for name in names}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
