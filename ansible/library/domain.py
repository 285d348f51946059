#!/usr/bin/python
"""Ansible module: applies a list of domains. Its options are those of role domain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.homelab import domain_xml, libvirt_host
from ansible.module_utils.homelab.domain import Domain, live_steps, lookup, persistent, present, resolved, uuid_of
from ansible.module_utils.homelab.domain_live import DETACH, TEXT, Step
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module

PATIENCE_SECONDS = 15
SHUTDOWN_SECONDS = 120
LIVE = ("currentMemory", "vcpu", "description", "metadata", "disk ", "interface ")


class DomainWriter(Domain, Writer):
    """Edits definitions and brings running domains after them."""

    def lacks(self, units: Sequence, owner: str) -> Errors:
        if lacking := libvirt_host.lacking(unit["name"] for unit in units):
            return lacking
        reasons = {unit["name"]: lacking_volume(unit) for unit in units}
        return {name: reason for name, reason in reasons.items() if reason}

    def disruption(self, change: Change) -> str:
        domain = lookup(change.unit["name"])
        if domain is None or not domain.isActive():
            return "live"
        if not change.unit["running"]:
            return "restart"
        root = persistent(domain)
        parts = domain_xml.differences(root, domain_xml.edited(root, resolved(change.unit), ""))
        return "live" if all(part.startswith(LIVE) for part in parts) else "next-boot"

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        return libvirt_host.each({change.seen.name: lambda unit=change.unit: bring(resolved(unit), owner) for change in changes})

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        return libvirt_host.each({name: lambda name=name: forget(name) for name in names})


def lacking_volume(unit: dict) -> str:
    """Which volume of a unit is not there, in words."""
    try:
        resolved(unit)
    except LookupError as reason:
        return str(reason)
    return ""


def forget(name: str) -> None:
    """Shut a domain off and undefine it; its volumes stay. Raises libvirtError or TimeoutError."""
    if (domain := lookup(name)) is None:
        return
    shut_down(domain, SHUTDOWN_SECONDS)
    domain.undefineFlags(libvirt_host.library().VIR_DOMAIN_UNDEFINE_NVRAM)


def bring(unit: dict, owner: str) -> None:
    """Make one domain as its unit says: its definition first, then what runs of it. Raises libvirtError or TimeoutError."""
    domain = define(unit, owner)
    if domain.isActive() and unit["running"]:
        catch_up(domain)
    elif unit["running"]:
        domain.create()
    elif domain.isActive():
        shut_down(domain, unit["shutdown_seconds"])
    domain.setAutostart(int(unit["autostart"]))


def catch_up(domain: Any) -> None:
    """Let a running domain take what it can at once; a guest gives memory back within seconds."""
    for step in live_steps(domain):
        take(step, domain)
        if step.call == DETACH:
            wait_for_release(domain, step.part)
    end = time.monotonic() + PATIENCE_SECONDS
    while live_steps(domain) and time.monotonic() < end:
        time.sleep(0.5)


def take(step: Step, domain: Any) -> None:
    """One step of a running domain. Raises libvirtError."""
    library = libvirt_host.library()
    if step.call == TEXT:
        domain.setMetadata(library.VIR_DOMAIN_METADATA_DESCRIPTION, step.argument, None, None, library.VIR_DOMAIN_AFFECT_LIVE)
    else:
        getattr(domain, step.call)(step.argument, library.VIR_DOMAIN_AFFECT_LIVE)


def wait_for_release(domain: Any, part: str) -> None:
    """A device is gone when the guest has let go of it. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE_SECONDS
    while part in domain_xml.parts(present(domain)):
        if time.monotonic() > end:
            raise TimeoutError(f"the guest does not let go of {part}; shut it down, or try again when it has started")
        time.sleep(0.2)


def define(unit: dict, owner: str) -> Any:
    """The domain with the definition that its unit wants. What libvirt refuses changes nothing."""
    domain = lookup(unit["name"])
    root = persistent(domain) if domain else domain_xml.skeleton(libvirt_host.acceleration(), uuid_of(owner, unit["name"]), unit)
    wanted = domain_xml.edited(root, unit, owner)
    if domain is not None and not domain_xml.differences(root, wanted):
        return domain
    library = libvirt_host.library()
    return libvirt_host.connection().defineXMLFlags(domain_xml.render(wanted), library.VIR_DOMAIN_DEFINE_VALIDATE)


def shut_down(domain: Any, seconds: float) -> None:
    """Ask the guest to go off, and wait that long. Raises TimeoutError when it does not."""
    if not domain.isActive():
        return
    end = time.monotonic() + seconds
    while domain.isActive():
        if time.monotonic() > end:
            raise TimeoutError(f"the guest did not shut down within {seconds:g} s; it still runs")
        # A guest that is just starting may have missed it.
        domain.shutdown()
        for _ in range(10):
            if domain.isActive():
                time.sleep(0.5)


if __name__ == "__main__":
    run_module(DomainWriter())
