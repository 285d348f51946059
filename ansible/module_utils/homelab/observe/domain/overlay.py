"""An overlay in libvirt's own words (`xml`), merged into a definition. Pure.

Below <devices> each element is a device: it exists when one has all that it contains, else it is added; one of which a
domain has just one, such as <memballoon>, is merged. Elsewhere an element
is merged into the one of its tag (and name, id …), attribute by attribute; a tag that occurs twice without any of those, such as
<boot>, is a list, which replaces the whole. What an earlier overlay had and this one has not is removed; an attribute keeps its value.
"""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET

Element = ET.Element

# Attributes that identify elements of one tag.
IDENTITIES = ("name", "id", "vcpu", "vcpus", "index", "cellid", "iothread", "sched")
# Parts that have properties of their own.
FIELDS = {
    "name": "name",
    "description": "description",
    "memory": "memory_max",
    "currentMemory": "memory",
    "vcpu": "vcpus",
    "os/type": "machine",
    "os/firmware": "firmware",
    "os/kernel": "kernel",
    "os/initrd": "kernel",
    "os/cmdline": "kernel",
    "devices/disk": "disks",
    "devices/interface": "interfaces",
    "devices/graphics": "graphics",
    "devices/tpm": "tpm",
}
KEPT = ("uuid", "metadata")
# Debian's programs; libvirt runs whatever is named, to learn what it can, even when it is only asked about a definition.
EMULATOR = re.compile(r"/usr/bin/qemu-system-[a-z0-9_]+")
# Devices of which a domain has one.
SINGLE = ("emulator", "memballoon", "vsock", "iommu")


def errors(text: str) -> list[str]:
    """Return the errors in a resource's `xml`, whatever the host has."""
    form = "xml is not one <domain> with what is to be merged in it"
    if "<!" in text or "<?" in text:
        return [f"{form}: no comments, declarations or entities"]
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        return [f"{form}: {error}"]
    if root.tag != "domain" or root.attrib:
        return [f"{form}: it begins with <{root.tag}>, or <domain> has attributes"]
    emulators = [str(one.text).strip() for one in root.findall("devices/emulator")]
    if strange := [one for one in emulators if not EMULATOR.fullmatch(one)]:
        return [f"xml has <emulator>: expected /usr/bin/qemu-system-<processor>, got {strange[0]!r:.80}: libvirt would run it as root"]
    own = [f"xml has <{path}>; set `{field}` instead" for path, field in FIELDS.items() if root.find(path) is not None]
    return own + [f"xml has <{tag}>, which stays as it is" for tag in KEPT if root.find(tag) is not None]


def merged(root: Element, text: str | None, before: str | None) -> Element:
    """Return a definition with the elements of `text`, and without those of `before` that it has no longer."""
    root = copy.deepcopy(root)
    wanted = _parsed(text)
    if before != text:
        _take_out(root, _parsed(before), wanted)
    _merge(root, wanted)
    return root


def _parsed(text: str | None) -> Element:
    root = ET.fromstring(text) if text else ET.Element("domain")
    for element in root.iter():
        element.text = (element.text or "").strip() or None
        element.tail = None
    return root


def _merge(into: Element, wanted: Element) -> None:
    for name, value in wanted.attrib.items():
        into.set(name, value)
    if wanted.text:
        into.text = wanted.text
    lists = _lists(wanted) if into.tag != "devices" else set()
    for tag in lists:
        _set_list(into, wanted.findall(tag))
    for child in wanted:
        if child.tag in lists:
            continue
        found = _same(into, child)
        if found is None:
            into.append(copy.deepcopy(child))
        elif child.tag in SINGLE and found.get("model") != child.get("model", found.get("model")):
            # Another model has nothing of the former one's, such as its place on a bus.
            into[list(into).index(found)] = copy.deepcopy(child)
        elif into.tag != "devices" or child.tag in SINGLE:
            _merge(found, child)


def _lists(parent: Element) -> set[str]:
    """The tags that are there more than once with nothing to tell them apart."""
    bare = [child.tag for child in parent if not any(name in child.attrib for name in IDENTITIES)]
    return {tag for tag in bare if bare.count(tag) > 1}


def _set_list(into: Element, wanted: list[Element]) -> None:
    """Have these as the elements of their tag, where the first of them was."""
    old = into.findall(wanted[0].tag)
    at = list(into).index(old[0]) if old else len(into)
    for element in old:
        into.remove(element)
    for number, element in enumerate(wanted):
        into.insert(at + number, copy.deepcopy(element))


def _same(parent: Element, wanted: Element) -> Element | None:
    """The element of a definition that an element of `xml` speaks of."""
    if parent.tag == "devices" and wanted.tag in SINGLE:
        return parent.find(wanted.tag)
    if parent.tag == "devices":
        return next((one for one in parent.findall(wanted.tag) if _has(one, wanted)), None)
    identity = [(name, wanted.get(name)) for name in IDENTITIES if name in wanted.attrib]
    return next((one for one in parent.findall(wanted.tag) if all(one.get(name) == value for name, value in identity)), None)


def _has(element: Element, wanted: Element) -> bool:
    """Return whether an element contains all that another one does."""
    if any(element.get(name) != value for name, value in wanted.attrib.items()) or (wanted.text and element.text != wanted.text):
        return False
    return all(any(_has(one, child) for one in element.findall(child.tag)) for child in wanted)


def _take_out(root: Element, before: Element, wanted: Element) -> None:
    """Remove the elements of the former overlay, and those that this leaves empty."""
    for tag in _lists(before) - _lists(wanted) if root.tag != "devices" else ():
        for element in root.findall(tag):
            root.remove(element)
    for child in list(before):
        found = _same(root, child)
        still = _same(wanted, child)
        if found is None:
            continue
        if root.tag == "devices":
            if still is None:
                root.remove(found)
        else:
            _take_out(found, child, ET.Element(child.tag) if still is None else still)
            more = set(found.attrib.items()) - set(child.attrib.items())
            if still is None and not more and not len(found) and (not found.text or found.text == child.text):
                root.remove(found)
