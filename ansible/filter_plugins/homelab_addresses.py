"""Gives guests the addresses that their VLANs are declared to hand out, whatever those are on the host just now."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = """
name: homelab_addresses
short_description: Domains with their addresses
description:
  - Takes a list of domains and one of VLANs, and gives the domains an address for each interface with C(auto).
  - An interface whose VLAN is not declared here keeps C(auto), and the host derives the address.
options: {}
"""

Resource = dict[str, Any]

spec = importlib.util.spec_from_file_location(
    "addresses", Path(__file__).resolve().parents[1] / "module_utils/homelab/observe/addresses.py"
)
assert spec and spec.loader
addresses = importlib.util.module_from_spec(spec)
spec.loader.exec_module(addresses)


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, Callable[..., list[Resource]]]:
        return {"homelab_addresses": with_addresses}


def with_addresses(domains: Sequence[Resource], vlans: Sequence[Resource]) -> list[Resource]:
    """Domains with the addresses that interfaces of declared VLANs get. Raises AnsibleFilterError for what is no list of domains."""
    try:
        return [
            {**resource, **({"interfaces": with_leases(resource, vlans)} if resource.get("interfaces") else {})} for resource in domains
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"domains and vlans are lists as `ansible-doc -t role` tells of them ({error!r})") from None


def with_leases(resource: Resource, vlans: Sequence[Resource]) -> list[Resource]:
    """The interfaces of a domain."""
    named = zip(resource["interfaces"], addresses.names(resource["name"], resource["interfaces"]), strict=True)
    return [one | address(one, name, vlans) for one, name in named]


def address(one: Resource, name: str, vlans: Sequence[Resource]) -> Resource:
    """The address that an interface gets of its VLAN as declared, if any."""
    place = (one.get("bridge"), one.get("vlan"))
    declared = [vlan for vlan in vlans if (vlan.get("bridge"), vlan.get("id")) == place and "address" in vlan and vlan.get("dhcp")]
    # An invalid network is reported by its own kind.
    with contextlib.suppress(ValueError, addresses.Missing):
        if one.get("address") == "auto" and declared:
            pool = (declared[0]["dhcp"]["from"], declared[0]["dhcp"]["to"])
            return {"address": addresses.derived(name, declared[0]["address"], pool)}
    return {}
