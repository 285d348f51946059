"""Observes libvirt's domains. A unit is what providers/domain/schema.ts says, with defaults."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from . import (
    domain_checks,
    domain_edit,
    domain_faults,
    domain_started,
    domain_xml,
    leases,
    libvirt_host,
    networkd,
    records,
    seed,
    sizes,
    system,
)
from .addresses import Missing
from .domain_devices import bus_of, disk_of, with_macs, with_targets
from .domain_live import Step, steps
from .domain_xml import Element
from .kind import Kind, Observation, Unit, whose
from .networkd import Link

# virDomainState.
STATES = {1: "running", 2: "blocked", 3: "paused", 4: "shutting down", 5: "shut off", 6: "crashed", 7: "suspended"}
# virDomainPausedReason: migration, save, dump, shutting down, snapshot, starting up.
BRIEF_PAUSES = {2, 3, 4, 8, 9, 11}


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
        "ready": "address",
        "start_seconds": 300,
        "shutdown_seconds": 120,
        "force_off": False,
        "snapshot": False,
    }

    def name_of(self, unit: Unit) -> str:
        return str(unit["name"])

    def names_of(self, unit: Unit) -> set[str]:
        return {unit["name"], unit.get("renamed_from", unit["name"])}

    def normalise(self, unit: Unit, contents: dict[str, str]) -> Unit:
        whole = super().normalise(unit, contents)
        return {**whole, "interfaces": [{"model": "virtio", "isolated": False, **one} for one in whole["interfaces"]]}

    def faults(self, unit: Unit) -> list[str]:
        return domain_faults.of(unit)

    def warnings(self, units: Sequence[Unit], owner: str) -> dict[str, list[str]]:
        others = libvirt_host.running_beside({name for unit in units for name in self.names_of(unit)})
        return domain_checks.crowding(units, others, libvirt_host.memory())

    def record_of(self, unit: Unit) -> records.Record:
        """How it is shut down once it is no longer declared."""
        return {key: unit[key] for key in ("shutdown_seconds", "force_off")}

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        try:
            links = list(networkd.read_links().values()) if any(unit["interfaces"] for unit in units) else []
            return [observe(unit, owner, links) for unit in units]
        except libvirt_host.NotInstalled as reason:
            return self.unseen(units, owner, str(reason))

    def found(self) -> dict[str, str | None]:
        return owners()


def owners() -> dict[str, str | None]:
    """Whose mark each domain of the host bears."""
    try:
        domains = libvirt_host.connection().listAllDomains()
    except libvirt_host.NotInstalled:
        return {}
    return {domain.name(): domain_xml.owner_of(persistent(domain)) for domain in domains}


def named(name: str) -> Any | None:
    """A domain by name, None when there is none."""
    return libvirt_host.found(lambda: libvirt_host.connection().lookupByName(name), libvirt_host.NO_DOMAIN)


def lookup(unit: Unit) -> Any | None:
    """A unit's domain, by its name or, as long as that is free, by the one that it had; None when there is none."""
    found = named(unit["name"])
    return named(unit["renamed_from"]) if found is None and "renamed_from" in unit else found


def persistent(domain: Any) -> Element:
    """The definition with which a domain starts next, secrets included: without them an edit would erase them."""
    library = libvirt_host.library()
    return domain_xml.parse(domain.XMLDesc(library.VIR_DOMAIN_XML_INACTIVE | library.VIR_DOMAIN_XML_SECURE))


def present(domain: Any) -> Element:
    """The definition that a running domain has now."""
    return domain_xml.parse(domain.XMLDesc(libvirt_host.library().VIR_DOMAIN_XML_SECURE))


def resolved(unit: Unit, owner: str, links: Iterable[Link]) -> Unit:
    """A unit as domain_xml wants it: sizes in MiB, each volume as the file that it is, each interface with its addresses.

    Raises Missing where a volume or a VLAN is not there.
    """
    sizes_of: Unit = {key: sizes.mebibytes(unit[key]) for key in ("memory", "memory_max") if key in unit}
    drives = [seed.drive_of(unit["name"])] if "cloud_init" in unit else []
    domain = lookup(unit)
    root = domain_edit.NOTHING if domain is None else persistent(domain)
    disks = with_targets([disk_of(one) for one in unit["disks"]], [drive["target"] for drive in drives], domain_xml.files_of(root))
    identity = free_uuid(owner, unit["name"]) if domain is None else domain.UUIDString()
    interfaces = with_macs(leases.with_addresses(unit, links), domain_xml.plugs_of(root), identity)
    return {**unit, **sizes_of, "disks": [{**disk, "bus": bus_of(disk["target"])} for disk in disks] + drives, "interfaces": interfaces}


def observe(unit: Unit, owner: str, links: Iterable[Link]) -> Observation:
    """One domain: its definition, what of it a running one does not have yet, its leases, and its state."""
    domain = lookup(unit)
    if domain is None:
        return Observation(unit["name"])
    root = persistent(domain)
    seen = Observation(unit["name"], present=True, marked_by=domain_xml.owner_of(root))
    try:
        unit = resolved(unit, owner, links)
        leasing = networkd.file_drift(leases.files_of(unit, owner, links), owner, "domain", unit["name"])
    except Missing as reason:
        seen.drift.append(str(reason))
        return seen
    differing = texts_of(root, unit, owner)
    seen.drift = [*differing.values(), *leasing, *seed.drift(unit, owner, domain.UUIDString())]
    if seen.marked_by != owner and records.read(owner, "domain", unit["name"]):
        seen.drift.append(whose(seen))
    if domain_xml.overlay_of(root) != unit.get("xml"):
        seen.drift.append("its xml is not the one that was applied last")
    behind, pending = lag(domain, unit, owner)
    seen.drift += [f"{text} (of the running domain)" for name, text in behind.items() if name not in differing]
    if pending and unit["restart"] == "allowed":
        seen.drift.append(f"it waits for a restart that brings {', '.join(pending)}")
    seen.drift += state_drift(domain, unit)
    seen.facts = {**facts_of(unit, domain.UUIDString(), pending), **key_of(unit, owner)}
    return seen


def state_drift(domain: Any, unit: Unit) -> list[str]:
    """Its name and whether it runs, now and after a boot, where that is not as wanted."""
    drift = [] if domain.name() == unit["name"] else [f"its name is {domain.name()}, wanted {unit['name']}"]
    if bool(domain.isActive()) != unit["running"] or is_halted(domain):
        state = STATES.get(domain.state()[0], "in no known state")
        drift.append(f"it is {state}, wanted {'running' if unit['running'] else 'shut off'}")
    if bool(domain.autostart()) != unit["autostart"]:
        drift.append(f"autostart is {'on' if domain.autostart() else 'off'}, wanted {'on' if unit['autostart'] else 'off'}")
    return drift


def is_halted(domain: Any) -> bool:
    """Whether a domain has a process that does nothing, by somebody's doing or after an error; not for the length of a snapshot."""
    state, reason = domain.state()
    return STATES.get(state) in ("suspended", "crashed") or (STATES.get(state) == "paused" and reason not in BRIEF_PAUSES)


def facts_of(unit: Unit, uuid_text: str, pending: Sequence[str]) -> dict[str, Any]:
    """What others want to know of a domain. `next_boot` names the parts that it gets when it starts next."""
    macs = [one["mac"] for one in unit["interfaces"]]
    addresses = [one["address"] for one in unit["interfaces"] if "address" in one]
    return {"uuid": uuid_text, "macs": macs, "addresses": addresses, "next_boot": list(pending)}


def base_of(unit: Unit, owner: str, before: Element | None) -> Element:
    """What a unit's definition is made of: the one `before`, or for a new machine the least that libvirt takes."""
    if before is not None and not domain_xml.needs_replacement(before, unit):
        return before
    identity = free_uuid(owner, unit["name"]) if before is None else before.findtext("uuid", "")
    new = domain_edit.skeleton(libvirt_host.acceleration(), identity, unit)
    return new if before is None else domain_edit.carried_over(new, before, unit)


def texts_of(root: Element, unit: Unit, owner: str) -> dict[str, str]:
    """In which parts a definition is not as wanted, each as a text. The mark is for `marked_by` to tell."""
    wanted = domain_edit.edited(root, unit, owner)
    differing = domain_xml.differences(root, wanted)
    if (base := base_of(unit, owner, root)) is not root:
        # Of a new machine also what it no longer has; the rest of it is libvirt's to fill in.
        anew = domain_xml.differences(root, domain_edit.edited(base, unit, owner))
        differing |= {name: (has, other) for name, (has, other) in anew.items() if not other}
    ignored = {"metadata"}
    if root.get("id") is not None and is_expansion(root.find("cpu"), wanted.find("cpu")):
        ignored.add("cpu")
    return {name: system.text_diff(name, has or None, wanted or None) for name, (has, wanted) in differing.items() if name not in ignored}


def is_expansion(running: Element | None, wanted: Element | None) -> bool:
    """Whether a processor is what libvirt makes of the wanted one for the length of one run."""
    if running is None or wanted is None:
        return False
    same = running.findtext("model") == wanted.findtext("model")
    return wanted.get("mode") == "host-model" or (running.get("check") == "full" and same)


def key_of(unit: Unit, owner: str) -> dict[str, str]:
    """The SSH host key that the guest was given, by which it is known before it answers."""
    key = seed.host_key(unit["name"], owner) if "cloud_init" in unit else None
    return {"host_key": key} if key else {}


def lag(domain: Any, unit: Unit, owner: str, is_defined: bool = True) -> tuple[dict[str, str], list[str]]:
    """In what a running domain lags behind its unit: what it could take at once, with texts, and what its next boot brings.

    Without `is_defined`, as if it were defined as its unit says.
    """
    if not domain.isActive():
        return {}, []
    running = present(domain)
    differing = texts_of(running, unit, owner)
    started = domain_started.left(domain)
    live = {step.part for step in steps(running, domain_edit.edited(running, unit, owner), has_balloon(domain))}
    # A guest without the balloon's driver, or one that is still booting, has all its memory, and no boot changes that.
    # What the persistent definition does not have, either, no boot brings.
    lacks = texts_of(persistent(domain), unit, owner) if is_defined else {}
    boot = [name for name in differing if name not in (*live, *lacks, "currentMemory")]
    boot = [name for name in boot if started.get(name) != differing[name]]
    return {name: text for name, text in differing.items() if name in live}, boot


def live_steps(domain: Any) -> list[Step]:
    """What a running domain can take at once of the definition with which it would start next."""
    return steps(present(domain), persistent(domain), has_balloon(domain))


def has_balloon(domain: Any) -> bool:
    """Whether the guest has the balloon's driver, without which it keeps the memory that it began with."""
    return "swap_in" in domain.memoryStats()


def free_uuid(owner: str, name: str) -> str:
    """The UUID of a new domain: the same when it is made anew, unless a domain that was renamed has it."""
    space = uuid.uuid5(uuid.NAMESPACE_URL, domain_xml.NAMESPACE)
    names = itertools.chain([f"{owner}/{name}"], (f"{owner}/{name}/{number}" for number in itertools.count(2)))
    look_up = libvirt_host.connection().lookupByUUIDString
    candidates = (str(uuid.uuid5(space, one)) for one in names)
    return next(one for one in candidates if libvirt_host.found(partial(look_up, one), libvirt_host.NO_DOMAIN) is None)


observer = Domain()
