"""Applies domains."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from ...core import validation
from ...core.observer import Resource
from ...observe import cloud_init, dhcp_leases, libvirt_host, networkd
from ...observe.addresses import Missing
from ...observe.domain import checks, definition, rules, started
from ...observe.domain.observer import STATES, Domain, lag, lookup, named, persistent, present, resolved, texts_of
from .. import cloud_init as seed
from ..networkd import forget, write_files
from ..writer import Change, Errors, Writer
from . import snapshot
from .define import define, disk_rejections, forget_name, rejected, removal_blockers_of, rename, saved, undefine
from .past import Past, past_of
from .power import catch_up, shut_down, start, wait_until_ready, wake


class DomainWriter(Domain, Writer):
    """Edits definitions and brings running domains after them."""

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        if lacking := libvirt_host.lacking(resource["name"] for resource in resources):
            return lacking
        links = networkd.read_links()
        return joined(libvirt_host.reasons({one["name"]: partial(self._missing, one, owner, links) for one in resources}))

    def _missing(self, resource: Resource, owner: str, links: dict[str, networkd.Link]) -> list[str]:
        found = missing_prerequisites_of(resource, owner, links)
        if found or resource["name"] not in self.to_change:
            return found
        unmet = unmet_of(resolved(resource, owner, links.values()), links.values())
        return [reason for kind, reasons in unmet.items() if kind in self.changed_kinds for reason in reasons]

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        links = list(networkd.read_links().values())
        whole: dict[str, Resource] = {}
        unread = libvirt_host.each({one["name"]: partial(put_resolved, whole, one, owner, links) for one in resources})
        shared = rules.across(list(whole.values()))
        to_change = [name for name in whole if name in self.to_change]
        looks = {name: partial(self._rejections, whole[name], owner, links, shared[name]) for name in to_change}
        return joined(shared | libvirt_host.reasons(looks)) | unread

    def _rejections(self, resource: Resource, owner: str, links: list[networkd.Link], shared: list[str]) -> list[str]:
        unmet = [reason for kind, reasons in unmet_of(resource, links).items() if kind not in self.changed_kinds for reason in reasons]
        found = shared + unmet + dhcp_leases.refusals(resource, links) + seed.rejections(resource, owner) + rejections_of(resource)
        # libvirt is asked when nothing else speaks against it.
        return found or rejected(resource, owner)

    def disruption(self, change: Change) -> str:
        try:
            return disruption_of(change)
        except libvirt_host.library().libvirtError:
            # A guest that does not answer may have to be restarted for anything.
            return "restart"

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        return joined(libvirt_host.reasons({name: partial(removal_blockers_of, name, owner) for name in names}))

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        works = {change.seen.name: partial(ensure, change, owner, self.values.get(change.seen.name)) for change in changes}
        return {name: validation.redact(reason, self.values.values()) for name, reason in libvirt_host.each(works).items()}

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors = libvirt_host.each({name: partial(undefine, name, owner) for name in names})
        forget(owner, self.kind, [name for name in names if name not in errors])
        return errors


def disruption_of(change: Change) -> str:
    """Return what a change does to a domain. Raise libvirtError."""
    resource, domain = change.resource, lookup(change.resource)
    if domain is None:
        return "live"
    if definition.needs_replacement(persistent(domain), resource):
        return "replace"
    if not domain.isActive():
        return "live"
    if not resource["running"] or domain.name() != resource["name"]:
        return "restart"
    is_asked_for_at_boot = any(str(cloud_init.path_of(resource["name"])) in text for text in change.seen.differences)
    with contextlib.suppress(Missing):
        owner = definition.owner_of(persistent(domain)) or ""
        whole = resolved(resource, owner, networkd.read_links().values())
        if lag(domain, whole, owner, is_defined=False)[1]:
            return "restart" if resource["restart"] == "allowed" else "next-boot"
        is_asked_for_at_boot |= has_new_address(domain, whole)
    return "next-boot" if is_asked_for_at_boot else "live"


def put_resolved(whole: dict[str, Resource], resource: Resource, owner: str, links: Iterable[networkd.Link]) -> None:
    """Add a domain to the others by its name, with what it names. Raise libvirtError or Missing."""
    whole[resource["name"]] = resolved(resource, owner, links)


def has_new_address(domain: Any, resource: Resource) -> bool:
    """Whether a running guest is to get another address, for which it asks when it starts, or when its lease is over (RFC 2131, 4.4.5)."""
    plugged = definition.plugs_of(present(domain))
    leased = {(one["mac"], one["address"]) for one in resource["interfaces"] if "address" in one and one["mac"] in plugged}
    return bool(leased - dhcp_leases.handed_out(domain.name()))


def joined(reasons: dict[str, list[str]]) -> Errors:
    """Return the reasons of each resource that has any as one text."""
    return {name: "; ".join(found) for name, found in reasons.items() if found}


def missing_prerequisites_of(resource: Resource, owner: str, links: dict[str, networkd.Link]) -> list[str]:
    """Return what a domain names that is not on the host."""
    found = checks.missing_files(resource)
    found += [f"there is no bridge {one['bridge']} yet; `bridges` makes it" for one in resource["interfaces"] if one["bridge"] not in links]
    try:
        dhcp_leases.files_of(resolved(resource, owner, links.values()), owner, links.values())
    except Missing as reason:
        found.append(str(reason))
    return found


def unmet_of(resource: Resource, links: Iterable[networkd.Link]) -> dict[str, list[str]]:
    """Return the unmet requirements of a domain, by the kind that meets them; the same run may apply that kind first."""
    return {"host": missing_packages(resource), "vlan": dhcp_leases.outside(resource, links)}


def missing_packages(resource: Resource) -> list[str]:
    """Return the missing packages of a domain; nothing for a machine type that libvirt does not know, which is rejected."""
    with contextlib.suppress(libvirt_host.library().libvirtError):
        return checks.missing_packages(resource, libvirt_host.capabilities(resource["machine"]))
    return []


def rejections_of(resource: Resource) -> list[str]:
    """Why a host cannot run a unit, or must not change it as it stands."""
    domain = lookup(resource)
    try:
        can = libvirt_host.capabilities(resource["machine"])
    except libvirt_host.library().libvirtError as error:
        return [str(error)]
    found = checks.reasons(resource, can, libvirt_host.memory()) + snapshot.lacking(resource)
    if domain is None:
        return found
    found += disk_rejections(resource, domain) + saved(domain)
    if domain.name() != resource["name"] and (others := snapshot.others(domain)):
        found.append(f"libvirt renames no domain with snapshots or checkpoints; delete {', '.join(others)} first (virsh snapshot-delete)")
    if resource["restart"] == "allowed":
        return found
    if definition.needs_replacement(persistent(domain), resource):
        found.append("another machine type or firmware makes it a new machine, with its disks; `restart: allowed` allows that")
    if domain.isActive() and domain.name() != resource["name"]:
        found.append(f"{domain.name()} runs, and is renamed while it is shut off; `restart: allowed` allows that")
    return found


def ensure(change: Change, owner: str, user_data: str | None) -> None:
    """Bring one domain in sync: definition, leases and seed, then what runs. `user_data` is that of the vault, if it is there.

    Raise libvirtError, TimeoutError, OSError or RuntimeError. A definition that libvirt rejects changes nothing.
    """
    links = list(networkd.read_links().values())
    resource = resolved(change.resource, owner, links)
    domain = lookup(resource)
    past = Past() if domain is None else past_of(domain, resource, change, owner)
    if domain is not None and past.definition is not None and resource["snapshot"]:
        snapshot.remember(domain, past.definition, owner)
    if domain is not None and domain.name() != resource["name"]:
        rename(domain, resource, owner, user_data)
    domain = define(resource, owner)
    write_files(dhcp_leases.files_of(resource, owner, links), owner, "domain", resource["name"])
    given_up = [resource["renamed_from"]] if "renamed_from" in resource and named(resource["renamed_from"]) is None else []
    # networkd hands out no address that two leases name.
    forget(owner, "domain", given_up)
    seed.make(resource, owner, domain.UUIDString(), user_data)
    domain.setAutostart(int(resource["autostart"]))
    with snapshot.report_stale_snapshot(domain) if past.report_stale_snapshot else contextlib.nullcontext():
        run(domain, resource, owner, past)
    if past.report_stale_snapshot or not lag(domain, resource, owner)[1]:
        # Otherwise its next start is a risk that can be rolled back, too.
        snapshot.drop(domain, persistent(domain), owner)
    if "cloud_init" not in resource:
        seed.forget(resource["name"], owner)
    for name in given_up:
        forget_name(name, owner)


def run(domain: Any, resource: Resource, owner: str, past: Past) -> None:
    """Bring what runs of a domain after its definition: live, by a restart where that is allowed, or not at all."""
    if domain.isActive() and resource["running"]:
        if STATES.get(domain.state()[0]) == "crashed":
            turn_off(domain, resource)
        else:
            apply_live(domain, resource)
    if not resource["running"] or (resource["restart"] == "allowed" and lag(domain, resource, owner)[1]):
        turn_off(domain, resource)
    if not resource["running"]:
        snapshot.drop(domain, persistent(domain), owner)
    elif not domain.isActive():
        start_and_record(domain, resource, owner, past)
    elif past.unfinished:
        # A start that nobody saw the end of.
        with rollback_on_failure(domain, resource, owner, past):
            wait_until_ready(domain, resource)


def start_and_record(domain: Any, resource: Resource, owner: str, past: Past) -> None:
    """Start a domain, and know afterwards what a start does not bring."""
    with rollback_on_failure(domain, resource, owner, past):
        start(domain, resource)
    texts = texts_of(present(domain), resource, owner)
    started.keep(domain, {name: texts[name] for name in lag(domain, resource, owner)[1]})


def rollback_on_failure(domain: Any, resource: Resource, owner: str, past: Past) -> contextlib.AbstractContextManager[None]:
    """Return what rolls a domain back that does not become ready: one that is started with a change, where `snapshot` is set."""
    if past.definition is None:
        return contextlib.nullcontext()
    changed = definition.differences(past.definition, persistent(domain))
    if not past.taken and not (changed and resource["snapshot"] and not domain.isActive()):
        return contextlib.nullcontext()
    return snapshot.rollback_on_failure(domain, past.definition, owner, past.ran, past.taken)


def apply_live(domain: Any, resource: Resource) -> None:
    """Let a running guest go on, and take what it can. What it does not take, a restart brings where that is allowed."""
    try:
        wake(domain)
        catch_up(domain)
    except (libvirt_host.library().libvirtError, TimeoutError):
        if resource["restart"] != "allowed":
            raise
        turn_off(domain, resource)


def turn_off(domain: Any, resource: Resource) -> None:
    """Shut a domain down as its unit allows."""
    shut_down(domain, resource["shutdown_seconds"], resource["force_off"])
