"""Observes libvirt's domains. A unit is what providers/domain/schema.ts says, with defaults."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from . import domain_xml, libvirt_host, sizes, system, texts, volume
from .domain_live import Step, steps
from .domain_xml import Element
from .kind import Kind, Observation, Unit

RUNNING_STATES = {1: "running", 2: "blocked", 3: "paused", 4: "shutting down", 5: "shut off", 6: "crashed", 7: "suspended"}
SHUT_OFF = 5


class Domain(Kind):
    """Reads definitions, running and persistent, and the state."""

    kind = "domain"
    defaults: ClassVar[Unit] = {
        "vcpus": 1,
        "machine": "q35",
        "firmware": "bios",
        "disks": [],
        "interfaces": [],
        "autostart": True,
        "running": True,
        "restart": "denied",
        "shutdown_seconds": 120,
    }

    def name_of(self, unit: Unit) -> str:
        return str(unit["name"])

    def normalise(self, unit: Unit, contents: dict[str, str]) -> Unit:
        whole = super().normalise(unit, contents)
        letters = iter("abcdefghijklmnopqrstuvwxyz")
        disks = [{"target": f"vd{next(letters)}", **disk} for disk in whole["disks"]]
        macs = (mac_for(whole["name"], number) for number in range(len(whole["interfaces"])))
        interfaces = [{"model": "virtio", "isolated": False, "mac": next(macs), **one} for one in whole["interfaces"]]
        return {**whole, "disks": disks, "interfaces": interfaces}

    def faults(self, unit: Unit) -> list[str]:
        given = [(texts.LIBVIRT_NAME, "name"), (texts.LINE, "description"), (texts.SIZE, "memory"), (texts.SIZE, "memory_max")]
        given += [(texts.MACHINE, "machine"), (texts.PROCESSOR, "cpu")]
        found = [fault for form, key in given if key in unit for fault in texts.faults(form, key, unit[key])]
        for key, value in unit.get("kernel", {}).items():
            found += texts.faults(texts.LINE if key == "cmdline" else texts.ABSOLUTE, key, value)
        for disk in unit["disks"]:
            found += [*texts.faults(texts.VOLUME, "volume", disk["volume"]), *texts.faults(texts.DISK_TARGET, "target", disk["target"])]
        for one in unit["interfaces"]:
            found += [*texts.faults(texts.LINK, "bridge", one["bridge"]), *texts.faults(texts.MAC, "mac", one["mac"])]
        return found

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        try:
            return [observe(unit, owner) for unit in units]
        except libvirt_host.NotInstalled:
            return [Observation(self.name_of(unit)) for unit in units]

    def marked(self, owner: str) -> list[str]:
        try:
            domains = libvirt_host.connection().listAllDomains()
        except libvirt_host.NotInstalled:
            return []
        return sorted(domain.name() for domain in domains if domain_xml.owner_of(persistent(domain)) == owner)


def lookup(name: str) -> Any | None:
    """A domain by name, None when there is none."""
    return libvirt_host.found(lambda: libvirt_host.connection().lookupByName(name), libvirt_host.NO_DOMAIN)


def persistent(domain: Any) -> Element:
    """The definition with which a domain starts next, secrets included: without them an edit would erase them."""
    library = libvirt_host.library()
    return domain_xml.parse(domain.XMLDesc(library.VIR_DOMAIN_XML_INACTIVE | library.VIR_DOMAIN_XML_SECURE))


def present(domain: Any) -> Element:
    """The definition that a running domain has now."""
    return domain_xml.parse(domain.XMLDesc(libvirt_host.library().VIR_DOMAIN_XML_SECURE))


def mac_for(name: str, number: int) -> str:
    """The MAC address of a domain's interface: made of the names, so that it is the same on each run."""
    digits = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()
    return ":".join(["52:54:00", digits[0:2], digits[2:4], digits[4:6]])


def resolved(unit: Unit) -> Unit:
    """A unit as domain_xml wants it: sizes in MiB, and each volume as the file that it is. Raises LookupError where one is not there."""
    sizes_of: Unit = {key: sizes.mebibytes(unit[key]) for key in ("memory", "memory_max") if key in unit}
    return {**unit, **sizes_of, "disks": [_disk(one) for one in unit["disks"]]}


def _disk(disk: Unit) -> Unit:
    pool, name = disk["volume"].split("/")
    path = volume.path_of({"pool": pool, "name": name})
    if path is None or not os.path.exists(path):
        raise LookupError(f"there is no volume {disk['volume']}; declare it in `volumes`")
    bus = "virtio" if disk["target"].startswith("vd") else "sata"
    return {"target": disk["target"], "device": "disk", "bus": bus, "file": path, "format": volume.info_of(path)["format"]}


def observe(unit: Unit, owner: str) -> Observation:
    """One domain: its definition, what of it a running one does not have yet, and its state."""
    domain = lookup(unit["name"])
    if domain is None:
        return Observation(unit["name"])
    root = persistent(domain)
    seen = Observation(unit["name"], present=True, marked_by=domain_xml.owner_of(root))
    try:
        unit = resolved(unit)
    except LookupError as reason:
        seen.drift.append(str(reason))
        return seen
    differing = texts_of(root, unit, owner)
    seen.drift = list(differing.values())
    pending: list[str] = []
    if domain.isActive():
        running = present(domain)
        waiting = {name: text for name, text in texts_of(running, unit, owner).items() if name not in differing}
        live = {step.part for step in steps(running, domain_xml.edited(running, unit, owner), has_balloon(domain))}
        seen.drift += [f"{text} (of the running domain)" for name, text in waiting.items() if name in live]
        pending = [name for name in waiting if name not in live]
    if bool(domain.isActive()) != unit["running"]:
        state = RUNNING_STATES.get(domain.state()[0], "in no known state")
        seen.drift.append(f"it is {state}, wanted {'running' if unit['running'] else 'shut off'}")
    if bool(domain.autostart()) != unit["autostart"]:
        seen.drift.append(f"autostart is {'on' if domain.autostart() else 'off'}, wanted {'on' if unit['autostart'] else 'off'}")
    seen.facts = {"uuid": domain.UUIDString(), "macs": [one["mac"] for one in unit["interfaces"]], "next_boot": pending}
    return seen


def texts_of(root: Element, unit: Unit, owner: str) -> dict[str, str]:
    """In which parts a definition is not as wanted, each as a text. The mark is for `marked_by` to tell."""
    differing = domain_xml.differences(root, domain_xml.edited(root, unit, owner))
    ignored = {"metadata"}
    if root.get("id") is not None and unit.get("cpu") == "host-model":
        # What libvirt makes of it for one run says nothing.
        ignored.add("cpu")
    return {name: system.text_diff(name, has or None, wanted or None) for name, (has, wanted) in differing.items() if name not in ignored}


def live_steps(domain: Any) -> list[Step]:
    """What a running domain can take at once of the definition with which it would start next."""
    return steps(present(domain), persistent(domain), has_balloon(domain))


def has_balloon(domain: Any) -> bool:
    """Whether the guest has the balloon's driver, without which it keeps the memory that it began with."""
    return "swap_in" in domain.memoryStats()


def uuid_of(owner: str, name: str) -> str:
    """The UUID of a new domain: the same again when it is made anew on a host."""
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, domain_xml.NAMESPACE), f"{owner}/{name}"))


observer = Domain()
