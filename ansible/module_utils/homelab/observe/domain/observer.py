"""Observes libvirt's domains. A resource is that of providers/domain/schema.ts, with defaults."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from ...core import records, sizes, system
from ...core.observer import Observation, Observer, Resource, ownership_of
from .. import cloud_init, dhcp_leases, libvirt_host, networkd
from ..addresses import Missing
from ..networkd import Link
from . import checks, definition, edit, rules, started
from .definition import Element
from .devices import bus_of, disk_of, with_macs, with_targets
from .live import Step, steps

# virDomainState.
STATES = {1: "running", 2: "blocked", 3: "paused", 4: "shutting down", 5: "shut off", 6: "crashed", 7: "suspended"}
# virDomainPausedReason: migration, save, dump, shutting down, snapshot, starting up.
BRIEF_PAUSES = {2, 3, 4, 8, 9, 11}


class Domain(Observer):
    """Reads definitions, running and persistent, and the state."""

    kind = "domain"

    def names_of(self, resource: Resource) -> set[str]:
        return {resource["name"], resource.get("renamed_from", resource["name"])}

    def contradictions(self, resource: Resource) -> list[str]:
        return rules.contradictions(resource)

    def warnings(self, resources: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        others = libvirt_host.running_beside({name for resource in resources for name in self.names_of(resource)})
        return checks.crowding(resources, others, libvirt_host.memory())

    def extra_facts(self, resources: Sequence[Resource], owner: str) -> dict[str, Any]:
        """Return the public SSH host keys of the guests that were given one, by name."""
        found = {one["name"]: cloud_init.host_key(one["name"], owner) for one in resources if "cloud_init" in one}
        return {name: key for name, key in found.items() if key}

    def record_of(self, resource: Resource) -> records.Record:
        """How it is shut down once it is no longer declared."""
        return {key: resource[key] for key in ("shutdown_seconds", "force_off")}

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        try:
            links = list(networkd.read_links().values()) if any(resource["interfaces"] for resource in resources) else []
            return [observe(resource, owner, links) for resource in resources]
        except libvirt_host.NotInstalled as reason:
            return self.unseen(resources, owner, str(reason))

    def found(self) -> dict[str, str | None]:
        return owners()


def owners() -> dict[str, str | None]:
    """Return the owner of each domain of the host."""
    try:
        domains = libvirt_host.connection().listAllDomains()
    except libvirt_host.NotInstalled:
        return {}
    found = {domain.name(): libvirt_host.found(partial(persistent, domain), libvirt_host.NO_DOMAIN) for domain in domains}
    # One without a definition has ended since it was listed.
    return {name: definition.owner_of(root) for name, root in found.items() if root is not None}


def named(name: str) -> Any | None:
    """A domain by name, None when there is none."""
    return libvirt_host.found(lambda: libvirt_host.connection().lookupByName(name), libvirt_host.NO_DOMAIN)


def lookup(resource: Resource) -> Any | None:
    """A unit's domain, by its name or, as long as that is free, by the one that it had; None when there is none."""
    found = named(resource["name"])
    return named(resource["renamed_from"]) if found is None and "renamed_from" in resource else found


def persistent(domain: Any) -> Element:
    """The definition with which a domain starts next, secrets included: without them an edit would erase them."""
    library = libvirt_host.library()
    return definition.parse(domain.XMLDesc(library.VIR_DOMAIN_XML_INACTIVE | library.VIR_DOMAIN_XML_SECURE))


def present(domain: Any) -> Element:
    """The definition that a running domain has now."""
    return definition.parse(domain.XMLDesc(libvirt_host.library().VIR_DOMAIN_XML_SECURE))


def resolved(resource: Resource, owner: str, links: Iterable[Link]) -> Resource:
    """A unit as domain_xml wants it: sizes in MiB, each volume as the file that it is, each interface with its addresses.

    Raises Missing where a volume or a VLAN is not there.
    """
    sizes_of: Resource = {key: sizes.mebibytes(resource[key]) for key in ("memory", "memory_max") if key in resource}
    drives = [cloud_init.drive_of(resource["name"])] if "cloud_init" in resource else []
    domain = lookup(resource)
    root = edit.NOTHING if domain is None else persistent(domain)
    disks = with_targets([disk_of(one) for one in resource["disks"]], [drive["target"] for drive in drives], definition.files_of(root))
    identity = free_uuid(owner, resource["name"]) if domain is None else domain.UUIDString()
    interfaces = with_macs(dhcp_leases.with_addresses(resource, links), definition.plugs_of(root), identity)
    return {**resource, **sizes_of, "disks": [{**disk, "bus": bus_of(disk["target"])} for disk in disks] + drives, "interfaces": interfaces}


def observe(resource: Resource, owner: str, links: Iterable[Link]) -> Observation:
    """Return the observation of a domain. One that exists and cannot be read differs, and costs no other one."""
    domain = lookup(resource)
    if domain is None:
        return Observation(resource["name"])
    try:
        return observe_domain(domain, resource, owner, links)
    except Exception as error:
        return Observation(resource["name"], present=True, differences=[f"it cannot be read: {libvirt_host.failure(error)}"])


def observe_domain(domain: Any, resource: Resource, owner: str, links: Iterable[Link]) -> Observation:
    """Return the observation of a domain: its definition, pending changes of a running one, its leases, and its state."""
    root = persistent(domain)
    seen = Observation(resource["name"], present=True, owner=definition.owner_of(root))
    try:
        resource = resolved(resource, owner, links)
        leasing = networkd.file_drift(dhcp_leases.files_of(resource, owner, links), owner, "domain", resource["name"])
    except Missing as reason:
        seen.differences.append(str(reason))
        return seen
    differing = texts_of(root, resource, owner)
    seen.differences = [*differing.values(), *leasing, *cloud_init.differences(resource, owner, domain.UUIDString())]
    if seen.owner != owner and records.read(owner, "domain", resource["name"]):
        seen.differences.append(ownership_of(seen))
    if definition.overlay_of(root) != resource.get("xml"):
        seen.differences.append("its xml is not the one that was applied last")
    behind, pending = lag(domain, resource, owner)
    seen.differences += [f"{text} (of the running domain)" for name, text in behind.items() if name not in differing]
    if pending and resource["restart"] == "allowed":
        seen.differences.append(f"it waits for a restart that brings {', '.join(pending)}")
    seen.differences += state_drift(domain, resource)
    seen.facts = {**facts_of(resource, domain.UUIDString(), pending), **key_of(resource, owner)}
    return seen


def state_drift(domain: Any, resource: Resource) -> list[str]:
    """Its name and whether it runs, now and after a boot, where that is not as wanted."""
    differences = [] if domain.name() == resource["name"] else [f"its name is {domain.name()}, wanted {resource['name']}"]
    if bool(domain.isActive()) != resource["running"] or is_halted(domain):
        state = STATES.get(domain.state()[0], "in no known state")
        differences.append(f"it is {state}, wanted {'running' if resource['running'] else 'shut off'}")
    if bool(domain.autostart()) != resource["autostart"]:
        differences.append(f"autostart is {'on' if domain.autostart() else 'off'}, wanted {'on' if resource['autostart'] else 'off'}")
    return differences


def is_halted(domain: Any) -> bool:
    """Return whether a domain has a process that does nothing, after a pause or an error; not for the length of a snapshot."""
    state, reason = domain.state()
    return STATES.get(state) in ("suspended", "crashed") or (STATES.get(state) == "paused" and reason not in BRIEF_PAUSES)


def facts_of(resource: Resource, uuid_text: str, pending: Sequence[str]) -> dict[str, Any]:
    """Return the facts of a domain that outputs show. `next_boot` names the parts that apply at its next start."""
    macs = [one["mac"] for one in resource["interfaces"]]
    addresses = [one["address"] for one in resource["interfaces"] if "address" in one]
    return {"uuid": uuid_text, "macs": macs, "addresses": addresses, "next_boot": list(pending)}


def base_of(resource: Resource, owner: str, before: Element | None) -> Element:
    """Return the definition to edit: the one `before`, or for a new domain the least that libvirt accepts."""
    if before is not None and not definition.needs_replacement(before, resource):
        return before
    identity = free_uuid(owner, resource["name"]) if before is None else before.findtext("uuid", "")
    new = edit.skeleton(libvirt_host.acceleration(), identity, resource)
    return new if before is None else edit.carried_over(new, before, resource)


def texts_of(root: Element, resource: Resource, owner: str) -> dict[str, str]:
    """In which parts a definition is not as wanted, each as a text. The mark is for `marked_by` to tell."""
    wanted = edit.edited(root, resource, owner)
    differing = definition.differences(root, wanted)
    if (base := base_of(resource, owner, root)) is not root:
        # A new domain also differs by elements that it lost; libvirt fills in the others.
        anew = definition.differences(root, edit.edited(base, resource, owner))
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


def key_of(resource: Resource, owner: str) -> dict[str, str]:
    """The SSH host key that the guest was given, by which it is known before it answers."""
    key = cloud_init.host_key(resource["name"], owner) if "cloud_init" in resource else None
    return {"host_key": key} if key else {}


def lag(domain: Any, resource: Resource, owner: str, is_defined: bool = True) -> tuple[dict[str, str], list[str]]:
    """In what a running domain lags behind its unit: what it could take at once, with texts, and what its next boot brings.

    Without `is_defined`, as if it were defined as configured.
    """
    if not domain.isActive():
        return {}, []
    running = present(domain)
    differing = texts_of(running, resource, owner)
    missed = started.left(domain)
    live = {step.part for step in steps(running, edit.edited(running, resource, owner), has_balloon(domain))}
    # A guest without the balloon's driver, or one that is still booting, has all its memory, and no boot changes that.
    # A start applies nothing that is missing from the persistent definition as well.
    undefined = texts_of(persistent(domain), resource, owner) if is_defined else {}
    boot = [name for name in differing if name not in (*live, *undefined, "currentMemory")]
    boot = [name for name in boot if missed.get(name) != differing[name]]
    return {name: text for name, text in differing.items() if name in live}, boot


def live_steps(domain: Any) -> list[Step]:
    """Return the changes that a running domain can apply at once, of those that its next start would apply."""
    return steps(present(domain), persistent(domain), has_balloon(domain))


def has_balloon(domain: Any) -> bool:
    """Whether the guest has the balloon's driver, without which it keeps the memory that it began with."""
    return "swap_in" in domain.memoryStats()


def free_uuid(owner: str, name: str) -> str:
    """Return the UUID of a new domain: the same when it is recreated, unless a renamed domain has it."""
    space = uuid.uuid5(uuid.NAMESPACE_URL, definition.NAMESPACE)
    names = itertools.chain([f"{owner}/{name}"], (f"{owner}/{name}/{number}" for number in itertools.count(2)))
    look_up = libvirt_host.connection().lookupByUUIDString
    candidates = (str(uuid.uuid5(space, one)) for one in names)
    return next(one for one in candidates if libvirt_host.found(partial(look_up, one), libvirt_host.NO_DOMAIN) is None)


observer = Domain()
