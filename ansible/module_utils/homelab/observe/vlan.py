"""Observes VLANs. A unit is {name, id, bridge, address?, mtu, dhcp?: {from, to, dns, leases}}."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from ..core import system
from ..core.observer import Observation, Resource
from . import networkd
from .networkd import FOLDER, Files, Link


class Vlan(networkd.LinkObserver):
    """Reads VLAN links, the bridge's own membership, addresses and the DHCP server."""

    kind = "vlan"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        links = networkd.read_links() if resources else {}
        serving = dhcp_servers() if any("dhcp" in resource for resource in resources) else set()
        return [observe(resource, owner, links, serving) for resource in resources]


def observe(resource: Resource, owner: str, links: dict[str, Link], serving: set[str]) -> Observation:
    """Return the observation of a VLAN: its files, then its link."""
    name = resource["name"]
    link, owned_by = links.get(name), networkd.owner_of(name, "vlan")
    seen = Observation(name, present=link is not None or owned_by is not None, owner=owned_by)
    seen.differences = [] if dhcp_fault(resource) else networkd.file_drift(files_of(resource, owner), owner, "vlan", name)
    if link is None:
        seen.differences.append(f"{name}: there is no such link")
    else:
        seen.differences += link_drift(resource, link)
        bridge = links.get(resource["bridge"])
        if bridge and resource["id"] not in bridge.vlans:
            seen.differences.append(f"{bridge.name}: it is not in VLAN {resource['id']} itself")
        # networkd serves from the moment that a cable is plugged in.
        if "dhcp" in resource and link.carrier and name not in serving:
            seen.differences.append(f"{name}: its DHCP server does not run")
    seen.facts = facts_of(resource) | ({"mac": link.mac} if link else {})
    return seen


def link_drift(resource: Resource, link: Link) -> list[str]:
    """How a VLAN's link differs from what is wanted."""
    differences = []
    if must_be_recreated(resource, link):
        differences.append(f"{link.name}: VLAN {link.data.get('id')} on {link.parent}, wanted {resource['id']} on {resource['bridge']}")
    wanted = [resource["address"]] if "address" in resource else []
    if link.addresses != wanted:
        has = ", ".join(link.addresses) or "none"
        differences.append(f"{link.name}: address {has}, wanted {', '.join(wanted) or 'none'}")
    if link.mtu != resource["mtu"]:
        differences.append(f"{link.name}: MTU is {link.mtu}, wanted {resource['mtu']}")
    return differences if link.up else [*differences, f"{link.name}: it is down"]


def must_be_recreated(resource: Resource, link: Link) -> bool:
    """networkd ignores a changed id or parent of a link that is there."""
    return link.kind != "vlan" or link.data.get("id") != resource["id"] or link.parent != resource["bridge"]


def taken(resource: Resource, links: Iterable[Link]) -> str:
    """Why a VLAN cannot be made: a bridge has one link per id, and another one holds it."""
    holders = [link.name for link in links if link.name != resource["name"] and not must_be_recreated(resource, link)]
    return (
        f"VLAN {resource['id']} on {resource['bridge']} is link {holders[0]}'s; remove that one first, or keep its name" if holders else ""
    )


def facts_of(resource: Resource) -> dict[str, object]:
    """Return the facts of a VLAN that outputs show."""
    facts: dict[str, object] = {"id": resource["id"], "bridge": resource["bridge"]}
    if "address" in resource:
        facts["address"] = resource["address"].split("/")[0]
        facts["network"] = str(ipaddress.ip_interface(resource["address"]).network)
    return facts


def dhcp_servers() -> set[str]:
    """The links on which a DHCP server listens: UDP port 67, bound to the link (ss(8))."""
    listing = system.run(["ss", "-H", "-u", "-l", "-n"]).stdout
    places = [line.split()[3] for line in listing.splitlines() if len(line.split()) > 3]
    return {place.split("%", 1)[1].rsplit(":", 1)[0] for place in places if "%" in place and place.endswith(":67")}


def dhcp_fault(resource: Resource) -> str:
    """Why a VLAN's DHCP server cannot serve; nothing when it can, or there is none."""
    if "dhcp" not in resource:
        return ""
    if "address" not in resource:
        return "dhcp needs `address`, whose network it hands out"
    interface = ipaddress.ip_interface(resource["address"])
    dhcp = resource["dhcp"]
    named = [("from", dhcp["from"]), ("to", dhcp["to"]), *(("lease", lease["address"]) for lease in dhcp["leases"])]
    for key, value in named:
        if ipaddress.ip_address(value) not in interface.network:
            return f"dhcp {key} {value} is not in {interface.network}"
        # networkd takes an offset of 0 as its own default (PoolOffset=, systemd.network(5)).
        if interface.network.prefixlen < 31 and ipaddress.ip_address(value) in _reserved(interface.network):
            return f"dhcp {key} {value} is the first or last address of {interface.network}, which no host has"
    if int(ipaddress.ip_address(dhcp["from"])) > int(ipaddress.ip_address(dhcp["to"])):
        return f"dhcp to {dhcp['to']} is before from {dhcp['from']}; swap them"
    return ""


def _reserved(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[object, object]:
    return network.network_address, network.broadcast_address


def files_of(resource: Resource, owner: str) -> Files:
    """The networkd files of a VLAN, and its part of the bridge as a drop-in."""
    name = resource["name"]
    network: list[tuple[str, object]] = [
        ("ConfigureWithoutCarrier", True),
        ("LinkLocalAddressing", False),
        ("IPv6AcceptRA", False),
        ("DHCPServer", "dhcp" in resource),
    ]
    if "address" in resource:
        network.append(("Address", resource["address"]))
    settings: networkd.Settings = [
        ("Match", [("Name", name)]),
        ("Link", [("RequiredForOnline", False), ("MTUBytes", resource["mtu"])]),
        ("Network", network),
        *_dhcp(resource),
    ]
    link: networkd.Settings = [
        ("NetDev", [("Name", name), ("Kind", "vlan"), ("MTUBytes", resource["mtu"])]),
        ("VLAN", [("Id", resource["id"])]),
    ]
    part: networkd.Settings = [("Network", [("VLAN", name)]), ("BridgeVLAN", [("VLAN", resource["id"])])]
    return {
        FOLDER / f"10-homelab-{name}.netdev": networkd.render(owner, "vlan", name, link),
        FOLDER / f"10-homelab-{name}.network": networkd.render(owner, "vlan", name, settings),
        FOLDER / f"10-homelab-{resource['bridge']}.network.d" / f"{name}.conf": networkd.render(owner, "vlan", name, part),
    }


def _dhcp(resource: Resource) -> networkd.Settings:
    if "dhcp" not in resource:
        return []
    dhcp, start = resource["dhcp"], ipaddress.ip_interface(resource["address"]).network.network_address
    first, last = ipaddress.ip_address(dhcp["from"]), ipaddress.ip_address(dhcp["to"])
    server = [("PoolOffset", int(first) - int(start)), ("PoolSize", int(last) - int(first) + 1)]
    server += [("EmitDNS", bool(dhcp["dns"])), *[("DNS", one) for one in dhcp["dns"]]]
    leases = [("DHCPServerStaticLease", [("MACAddress", lease["mac"]), ("Address", lease["address"])]) for lease in dhcp["leases"]]
    return [("DHCPServer", server), *leases]


observer = Vlan()
