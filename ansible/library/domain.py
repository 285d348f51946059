#!/usr/bin/python
"""Ansible module: applies a list of domains. Its options are those of role domain."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.homelab import (
    domain_checks,
    domain_faults,
    domain_snapshot,
    domain_started,
    domain_xml,
    leases,
    libvirt_host,
    networkd,
    seed,
    seed_apply,
)
from ansible.module_utils.homelab.addresses import Missing
from ansible.module_utils.homelab.domain import STATES, Domain, lag, lookup, named, persistent, present, resolved, texts_of
from ansible.module_utils.homelab.domain_apply import catch_up, shut_down, start, wait_until_ready, wake
from ansible.module_utils.homelab.domain_define import define, forget_name, in_the_way, refused, rename, saved, undefine
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.networkd_apply import forget, write_files

# For so long after its start is due, the guest of a run that was broken off can hardly have worked.
PATIENCE_SECONDS = 600


class DomainWriter(Domain, Writer):
    """Edits definitions and brings running domains after them."""

    def lacks(self, units: Sequence, owner: str) -> Errors:
        if lacking := libvirt_host.lacking(unit["name"] for unit in units):
            return lacking
        links = networkd.read_links()
        found = {unit["name"]: lacking_of(unit, owner, links) for unit in units}
        changing = [unit for unit in units if unit["name"] in self.changing and not found[unit["name"]]]
        for unit in changing:
            unmet = unmet_of(resolved(unit, owner, links.values()), links.values())
            found[unit["name"]] += [reason for kind, reasons in unmet.items() if kind in self.brought for reason in reasons]
        return told(found)

    def refuse(self, units: Sequence, owner: str) -> Errors:
        links = list(networkd.read_links().values())
        whole = [resolved(unit, owner, links) for unit in units]
        found = domain_faults.across(whole)
        changing = [unit for unit in whole if unit["name"] in self.changing]
        for unit in changing:
            unmet = [reason for kind, reasons in unmet_of(unit, links).items() if kind not in self.brought for reason in reasons]
            found[unit["name"]] += unmet + leases.refusals(unit, links) + refusals(unit)
        asked = [unit for unit in changing if not found[unit["name"]]]
        return told(found | {unit["name"]: refused(unit, owner) for unit in asked})

    def disruption(self, change: Change) -> str:
        unit, domain = change.unit, lookup(change.unit)
        if domain is None:
            return "live"
        if domain_xml.needs_replacement(persistent(domain), unit):
            return "replace"
        if not domain.isActive():
            return "live"
        if not unit["running"] or domain.name() != unit["name"]:
            return "restart"
        is_asked_for_at_boot = any(str(seed.path_of(unit["name"])) in text for text in change.seen.drift)
        with contextlib.suppress(Missing):
            owner = domain_xml.owner_of(persistent(domain)) or ""
            whole = resolved(unit, owner, networkd.read_links().values())
            if lag(domain, whole, owner, is_defined=False)[1]:
                return "restart" if unit["restart"] == "allowed" else "next-boot"
            is_asked_for_at_boot |= has_new_address(domain, whole)
        return "next-boot" if is_asked_for_at_boot else "live"

    def stays(self, names: Sequence[str], owner: str) -> Errors:
        return told({name: in_the_way(domain, owner) for name in names if (domain := named(name)) is not None})

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        return libvirt_host.each({change.seen.name: lambda change=change: bring(change, owner) for change in changes})

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors = libvirt_host.each({name: lambda name=name: undefine(name, owner) for name in names})
        forget(owner, self.kind, [name for name in names if name not in errors])
        return errors


def has_new_address(domain: Any, unit: dict) -> bool:
    """Whether a running guest is to get another address, for which it asks when it starts, or when its lease is over (RFC 2131, 4.4.5)."""
    plugged = domain_xml.plugs_of(present(domain))
    leased = {(one["mac"], one["address"]) for one in unit["interfaces"] if "address" in one and one["mac"] in plugged}
    return bool(leased - leases.handed_out(domain.name()))


def told(reasons: dict[str, list[str]]) -> Errors:
    """Reasons as one text for each unit that has any."""
    return {name: "; ".join(found) for name, found in reasons.items() if found}


def lacking_of(unit: dict, owner: str, links: dict) -> list[str]:
    """What a unit names that is not on the host."""
    found = domain_checks.missing_files(unit)
    found += [f"there is no bridge {one['bridge']} yet; `bridges` makes it" for one in unit["interfaces"] if one["bridge"] not in links]
    try:
        leases.files_of(resolved(unit, owner, links.values()), owner, links.values())
    except Missing as reason:
        found.append(str(reason))
    return found


def unmet_of(unit: dict, links: Iterable[networkd.Link]) -> dict[str, list[str]]:
    """What of a host is not as a unit needs it, by the kind that sees to that; a run that changes that kind may bring it."""
    return {"host": missing_packages(unit), "vlan": leases.outside(unit, links)}


def missing_packages(unit: dict) -> list[str]:
    """What a unit needs of packages that are not installed; nothing of a machine type that libvirt does not know, which is refused."""
    with contextlib.suppress(libvirt_host.library().libvirtError):
        return domain_checks.missing_packages(unit, libvirt_host.capabilities(unit["machine"]))
    return []


def refusals(unit: dict) -> list[str]:
    """Why a host cannot run a unit, or must not change it as it stands."""
    domain = lookup(unit)
    try:
        can = libvirt_host.capabilities(unit["machine"])
    except libvirt_host.library().libvirtError as error:
        return [str(error)]
    found = domain_checks.reasons(unit, can, libvirt_host.memory()) + domain_snapshot.lacking(unit)
    if domain is None:
        return found
    found += domain_checks.on_snapshots([one["file"] for one in unit["disks"] if one["device"] == "disk"], present(domain))
    found += saved(domain)
    if domain.name() != unit["name"] and (others := domain_snapshot.others(domain)):
        found.append(f"libvirt renames no domain with snapshots or checkpoints; delete {', '.join(others)} first (virsh snapshot-delete)")
    if unit["restart"] == "allowed":
        return found
    if domain_xml.needs_replacement(persistent(domain), unit):
        found.append("another machine type or firmware makes it a new machine, with its disks; `restart: allowed` allows that")
    if domain.isActive() and domain.name() != unit["name"]:
        found.append(f"{domain.name()} runs, and is renamed while it is shut off; `restart: allowed` allows that")
    return found


def bring(change: Change, owner: str) -> None:
    """Make one domain as its unit says: definition, leases and seed, then what runs of it.

    Raises libvirtError, TimeoutError, OSError or RuntimeError. What libvirt refuses changes nothing.
    """
    links = list(networkd.read_links().values())
    unit = resolved(change.unit, owner, links)
    domain = lookup(unit)
    past = Past() if domain is None else past_of(domain, unit, change, owner)
    if domain is not None and past.definition is not None and unit["snapshot"]:
        domain_snapshot.remember(domain, past.definition, owner)
    if domain is not None and domain.name() != unit["name"]:
        rename(domain, unit, owner)
    domain = define(unit, owner)
    write_files(leases.files_of(unit, owner, links), owner, "domain", unit["name"])
    given_up = [unit["renamed_from"]] if "renamed_from" in unit and named(unit["renamed_from"]) is None else []
    # networkd hands out no address that two leases name.
    forget(owner, "domain", given_up)
    seed_apply.make(unit, owner, domain.UUIDString())
    domain.setAutostart(int(unit["autostart"]))
    with domain_snapshot.outlived(domain) if past.outlived else contextlib.nullcontext():
        run(domain, unit, owner, past)
    if past.outlived or not lag(domain, unit, owner)[1]:
        # Else its next start is a risk that can be taken back, too.
        domain_snapshot.drop(domain, persistent(domain), owner)
    if "cloud_init" not in unit:
        seed_apply.forget(unit["name"], owner)
    for name in given_up:
        forget_name(name, owner)


@dataclass(frozen=True)
class Past:
    """A domain before a change: its definition, None of a new one; whether it ran; whether nobody saw the end of an earlier change;
    whether the snapshot of that one is there to go back to, or is too old for it.
    """

    definition: domain_xml.Element | None = None
    ran: bool = True
    unfinished: bool = False
    taken: bool = False
    outlived: bool = False


def past_of(domain: Any, unit: dict, change: Change, owner: str) -> Past:
    """How a domain is before a change, or was before one that was broken off or that it has not started with yet."""
    active, unfinished = bool(domain.isActive()), bool(change.record.get("pending"))
    taken = domain_snapshot.is_taken(domain)
    outlived = taken and domain_snapshot.age(domain) > unit["start_seconds"] + PATIENCE_SECONDS
    begun = domain_snapshot.begun(domain, owner)
    # A guest that has started since with what it was to get has taken it.
    if begun is None or outlived or (not taken and active and not lag(domain, unit, owner)[1]):
        return Past(persistent(domain), active, unfinished, outlived=outlived)
    return Past(begun, True, unfinished, taken)


def run(domain: Any, unit: dict, owner: str, past: Past) -> None:
    """Bring what runs of a domain after its definition: live, by a restart where that is allowed, or not at all."""
    if domain.isActive() and unit["running"]:
        if STATES.get(domain.state()[0]) == "crashed":
            turn_off(domain, unit)
        else:
            bring_live(domain, unit)
    if not unit["running"] or (unit["restart"] == "allowed" and lag(domain, unit, owner)[1]):
        turn_off(domain, unit)
    if not unit["running"]:
        domain_snapshot.drop(domain, persistent(domain), owner)
    elif not domain.isActive():
        begin(domain, unit, owner, past)
    elif past.unfinished:
        # A start that nobody saw the end of.
        with way_back(domain, unit, owner, past):
            wait_until_ready(domain, unit)


def begin(domain: Any, unit: dict, owner: str, past: Past) -> None:
    """Start a domain, and know afterwards what a start does not bring."""
    with way_back(domain, unit, owner, past):
        start(domain, unit)
    texts = texts_of(present(domain), unit, owner)
    domain_started.keep(domain, {name: texts[name] for name in lag(domain, unit, owner)[1]})


def way_back(domain: Any, unit: dict, owner: str, past: Past) -> contextlib.AbstractContextManager[None]:
    """What puts a domain back when it does not become ready: a shut-off one that is started with a change, where its unit wants that."""
    if past.definition is None:
        return contextlib.nullcontext()
    changed = domain_xml.differences(past.definition, persistent(domain))
    if not past.taken and not (changed and unit["snapshot"] and not domain.isActive()):
        return contextlib.nullcontext()
    return domain_snapshot.kept(domain, past.definition, owner, past.ran, past.taken)


def bring_live(domain: Any, unit: dict) -> None:
    """Let a running guest go on, and take what it can. What it does not take, a restart brings where that is allowed."""
    try:
        wake(domain)
        catch_up(domain)
    except (libvirt_host.library().libvirtError, TimeoutError):
        if unit["restart"] != "allowed":
            raise
        turn_off(domain, unit)


def turn_off(domain: Any, unit: dict) -> None:
    """Shut a domain down as its unit allows."""
    shut_down(domain, unit["shutdown_seconds"], unit["force_off"])


if __name__ == "__main__":
    run_module(DomainWriter())
