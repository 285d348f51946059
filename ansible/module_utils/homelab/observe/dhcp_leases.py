"""Static leases of domains. Each domain adds its own to the VLAN whose DHCP server hands them out, as a drop-in.

[DHCPServerStaticLease], systemd.network(5).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from ..core import system
from . import networkd
from .addresses import Missing, derived, names
from .networkd import FOLDER, Files, Link

Resource = dict[str, Any]


def files_of(resource: Resource, owner: str, links: Iterable[Link]) -> Files:
    """The drop-ins of a domain, one for each VLAN in which it has an address. Raises Missing where no VLAN can hand it out."""
    links = list(links)
    leases: dict[str, list[Resource]] = {}
    for one in resource["interfaces"]:
        if "address" in one:
            leases.setdefault(_vlan_of(one, links).name, []).append(one)
    name = f"domain-{resource['name']}.conf"
    return {FOLDER / f"10-homelab-{vlan}.network.d" / name: _dropin(resource, owner, some) for vlan, some in leases.items()}


def _dropin(resource: Resource, owner: str, interfaces: list[Resource]) -> str:
    leases = [("DHCPServerStaticLease", [("MACAddress", one["mac"]), ("Address", one["address"])]) for one in interfaces]
    return networkd.render(owner, "domain", resource["name"], leases)


def handed_out(name: str) -> set[tuple[str, str]]:
    """The MAC and IP addresses of a domain's leases, as they are on the host."""
    found = [system.read_text(path) or "" for path in FOLDER.glob(f"10-homelab-*.network.d/domain-{name}.conf")]
    return {pair for text in found for pair in re.findall(r"^MACAddress=(\S+)\nAddress=(\S+)$", text, re.MULTILINE)}


def with_addresses(resource: Resource, links: Iterable[Link]) -> list[Resource]:
    """Return a domain's interfaces, with an address in place of `auto`. Raise Missing where no VLAN can hand one out."""
    links = list(links)

    def settled(one: Resource, name: str) -> Resource:
        return one | ({"address": derived(name, *_network_of(_vlan_of(one, links)))} if one.get("address") == "auto" else {})

    named = zip(resource["interfaces"], names(resource["name"], resource["interfaces"]), strict=True)
    return [settled(one, name) for one, name in named]


def _network_of(link: Link) -> tuple[str, tuple[str, str]]:
    """A VLAN's network, with this host's address in it, and the range of its DHCP server, as networkd has them from us."""
    text = system.read_text(FOLDER / f"10-homelab-{link.name}.network") or ""
    offset, size = (re.search(rf"^{key}=(\d+)$", text, re.MULTILINE) for key in ("PoolOffset", "PoolSize"))
    if not link.addresses or offset is None or size is None:
        raise Missing(f"{link.name} has no DHCP server of ours; give it `dhcp`, or the interface an address")
    network = ipaddress.ip_interface(link.addresses[0]).network
    first = int(network[0]) + int(offset[1])
    return link.addresses[0], (str(ipaddress.ip_address(first)), str(ipaddress.ip_address(first + int(size[1]) - 1)))


def refusals(resource: Resource, links: Iterable[Link]) -> list[str]:
    """Return the addresses that cannot be handed out to a guest, since others have them."""
    addressed = [one for one in resource["interfaces"] if "address" in one]
    return [reason for one in addressed for reason in _held_by_others(resource, one["address"], _vlan_of(one, links).name)]


def outside(resource: Resource, links: Iterable[Link]) -> list[str]:
    """Return the addresses that networkd would not hand out with the VLANs of this moment; the same run may renumber these."""
    addressed = [one for one in resource["interfaces"] if "address" in one]
    return [reason for one in addressed if (reason := _outside(one["address"], _vlan_of(one, links)))]


def _outside(address: str, vlan: Link) -> str:
    if not vlan.addresses:
        return f"{vlan.name} has no address, so it hands out none; `vlans` gives it one"
    own, wanted = ipaddress.ip_interface(vlan.addresses[0]), ipaddress.ip_address(address)
    if wanted not in own.network or wanted in (own.network[0], own.network[-1]):
        return f"{address} is no guest's address in {vlan.name}, which is {own.network}"
    return f"{address} is this host's own address in {vlan.name}" if wanted == own.ip else ""


def _held_by_others(resource: Resource, address: str, vlan: str) -> list[str]:
    """Who has an address still, whether it is about to leave or to get another one: networkd hands out none that two leases name,
    and a guest that runs keeps its own until it is shut down.
    """
    own = {f"domain-{name}.conf" for name in (resource["name"], resource.get("renamed_from"))}
    texts = {path.name: system.read_text(path) or "" for path in (FOLDER / f"10-homelab-{vlan}.network.d").glob("domain-*.conf")}
    holders = sorted(name for name, text in texts.items() if f"\nAddress={address}\n" in text)
    if own.intersection(holders):
        return []
    names = [name.removeprefix("domain-").removesuffix(".conf") for name in holders]
    way_out = "release it or give it another address in an up of its own first; if this is the same guest, set `renamed_from`"
    return [f"{address} is leased to domain {name} still; {way_out}" for name in names]


def _vlan_of(interface: Resource, links: Iterable[Link]) -> Link:
    """The link that is this interface's VLAN on the host."""
    for link in links:
        if (link.kind, link.parent, link.data.get("id")) == ("vlan", interface["bridge"], interface["vlan"]):
            return link
    raise Missing(
        f"VLAN {interface['vlan']} on {interface['bridge']} has no link on this host that hands out addresses; "
        "`vlans` makes it, with `dhcp`"
    )
