"""Addresses for `address: auto`. The controller's filter homelab_addresses loads this file too, so it imports nothing of ours."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any


class Missing(Exception):
    """Something that a unit needs is not on the host."""


def names(domain: str, interfaces: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the numbers from which the addresses of a domain's interfaces follow, one within each VLAN.

    So one in another VLAN comes and goes without a trace.
    """
    vlans = [(one.get("bridge"), one.get("vlan")) for one in interfaces]
    return [f"{domain}/{vlans[:number].count(vlan)}" for number, vlan in enumerate(vlans)]


def derived(name: str, network: str, pool: tuple[str, str]) -> str:
    """The address of a guest's interface that has none: made of its name, in its VLAN's network, outside of what is handed out to anybody.

    Raises Missing when none is left. components/inventory/addresses.ts makes the same; test/inventory/addresses.yml holds both together.
    """
    own = ipaddress.ip_interface(network)
    first, last = (ipaddress.ip_address(one) for one in pool)
    count = own.network.num_addresses - 2
    start = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    candidates = (own.network[1 + (start + step) % count] for step in range(count))
    for one in candidates:
        if one != own.ip and not int(first) <= int(one) <= int(last):
            return str(one)
    raise Missing(f"{own.network} has no address left beside the range that is handed out; make that smaller")
