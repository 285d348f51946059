"""Observes VLANs. A unit is {name, id, bridge, address?, mtu, dhcp?: {from, to, dns, leases}}."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import ClassVar

from . import networkd, system, texts
from .kind import Kind, Observation, Unit
from .networkd import FOLDER, Files, Link


class Vlan(Kind):
    """Reads VLAN links, the bridge's own membership, addresses and the DHCP server."""

    kind = "vlan"
    defaults: ClassVar[Unit] = {"mtu": 1500}

    def name_of(self, unit: Unit) -> str:
        return str(unit["name"])

    def normalise(self, unit: Unit, contents: dict[str, str]) -> Unit:
        whole = super().normalise(unit, contents)
        return {**whole, "dhcp": {"dns": [], "leases": [], **whole["dhcp"]}} if "dhcp" in whole else whole

    def faults(self, unit: Unit) -> list[str]:
        found = texts.faults(texts.LINK, "name or bridge", unit["name"], unit["bridge"])
        found += texts.faults(texts.CIDR, "address", unit["address"]) if "address" in unit else []
        if "dhcp" not in unit:
            return found
        dhcp, leases = unit["dhcp"], unit["dhcp"]["leases"]
        found += texts.faults(texts.MAC, "mac", *(lease["mac"] for lease in leases))
        addresses = [dhcp["from"], dhcp["to"], *dhcp["dns"], *(lease["address"] for lease in leases)]
        return found + texts.faults(texts.ADDRESS, "dhcp", *addresses)

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        links = networkd.read_links() if units else {}
        serving = dhcp_servers() if any("dhcp" in unit for unit in units) else set()
        return [observe(unit, owner, links, serving) for unit in units]

    def found(self) -> dict[str, str | None]:
        return networkd.found(self.kind)

    def marked(self, owner: str) -> list[str]:
        return [name for name, mark in networkd.marked(self.kind) if mark == owner]

    def marked_by_others(self, owner: str) -> set[str]:
        return {name for name, mark in networkd.marked(self.kind) if mark != owner}


def observe(unit: Unit, owner: str, links: dict[str, Link], serving: set[str]) -> Observation:
    """One VLAN: its files, then its link."""
    name = unit["name"]
    link, owned_by = links.get(name), networkd.whose(name, "vlan")
    seen = Observation(name, present=link is not None or owned_by is not None, marked_by=owned_by)
    seen.drift = [] if dhcp_fault(unit) else networkd.file_drift(files_of(unit, owner), owner, "vlan", name)
    if link is None:
        seen.drift.append(f"{name}: there is no such link")
    else:
        seen.drift += link_drift(unit, link)
        bridge = links.get(unit["bridge"])
        if bridge and unit["id"] not in bridge.vlans:
            seen.drift.append(f"{bridge.name}: it is not in VLAN {unit['id']} itself")
        # networkd serves from the moment that a cable is plugged in.
        if "dhcp" in unit and link.carrier and name not in serving:
            seen.drift.append(f"{name}: its DHCP server does not run")
    seen.facts = facts_of(unit) | ({"mac": link.mac} if link else {})
    return seen


def link_drift(unit: Unit, link: Link) -> list[str]:
    """How a VLAN's link differs from what is wanted."""
    drift = []
    if must_be_made_anew(unit, link):
        drift.append(f"{link.name}: VLAN {link.data.get('id')} on {link.parent}, wanted {unit['id']} on {unit['bridge']}")
    wanted = [unit["address"]] if "address" in unit else []
    if link.addresses != wanted:
        has = ", ".join(link.addresses) or "none"
        drift.append(f"{link.name}: address {has}, wanted {', '.join(wanted) or 'none'}")
    if link.mtu != unit["mtu"]:
        drift.append(f"{link.name}: MTU is {link.mtu}, wanted {unit['mtu']}")
    return drift if link.up else [*drift, f"{link.name}: it is down"]


def must_be_made_anew(unit: Unit, link: Link) -> bool:
    """networkd ignores a changed id or parent of a link that is there."""
    return link.kind != "vlan" or link.data.get("id") != unit["id"] or link.parent != unit["bridge"]


def taken(unit: Unit, links: Iterable[Link]) -> str:
    """Why a VLAN cannot be made: a bridge has one link per id, and another one holds it."""
    holders = [link.name for link in links if link.name != unit["name"] and not must_be_made_anew(unit, link)]
    return f"VLAN {unit['id']} on {unit['bridge']} is link {holders[0]}'s; remove that one first, or keep its name" if holders else ""


def facts_of(unit: Unit) -> dict[str, object]:
    """What others want to know of a VLAN."""
    facts: dict[str, object] = {"id": unit["id"], "bridge": unit["bridge"]}
    if "address" in unit:
        facts["address"] = unit["address"].split("/")[0]
        facts["network"] = str(ipaddress.ip_interface(unit["address"]).network)
    return facts


def dhcp_servers() -> set[str]:
    """The links on which a DHCP server listens: UDP port 67, bound to the link (ss(8))."""
    listing = system.run(["ss", "-H", "-u", "-l", "-n"]).stdout
    places = [line.split()[3] for line in listing.splitlines() if len(line.split()) > 3]
    return {place.split("%", 1)[1].rsplit(":", 1)[0] for place in places if "%" in place and place.endswith(":67")}


def dhcp_fault(unit: Unit) -> str:
    """Why a VLAN's DHCP server cannot serve; nothing when it can, or there is none."""
    if "dhcp" not in unit:
        return ""
    if "address" not in unit:
        return "dhcp needs `address`, whose network it hands out"
    interface = ipaddress.ip_interface(unit["address"])
    dhcp = unit["dhcp"]
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


def files_of(unit: Unit, owner: str) -> Files:
    """The networkd files of a VLAN, and its part of the bridge as a drop-in."""
    name = unit["name"]
    network: list[tuple[str, object]] = [
        ("ConfigureWithoutCarrier", True),
        ("LinkLocalAddressing", False),
        ("IPv6AcceptRA", False),
        ("DHCPServer", "dhcp" in unit),
    ]
    if "address" in unit:
        network.append(("Address", unit["address"]))
    settings: networkd.Settings = [
        ("Match", [("Name", name)]),
        ("Link", [("RequiredForOnline", False), ("MTUBytes", unit["mtu"])]),
        ("Network", network),
        *_dhcp(unit),
    ]
    link: networkd.Settings = [
        ("NetDev", [("Name", name), ("Kind", "vlan"), ("MTUBytes", unit["mtu"])]),
        ("VLAN", [("Id", unit["id"])]),
    ]
    part: networkd.Settings = [("Network", [("VLAN", name)]), ("BridgeVLAN", [("VLAN", unit["id"])])]
    return {
        FOLDER / f"10-homelab-{name}.netdev": networkd.render(owner, "vlan", name, link),
        FOLDER / f"10-homelab-{name}.network": networkd.render(owner, "vlan", name, settings),
        FOLDER / f"10-homelab-{unit['bridge']}.network.d" / f"{name}.conf": networkd.render(owner, "vlan", name, part),
    }


def _dhcp(unit: Unit) -> networkd.Settings:
    if "dhcp" not in unit:
        return []
    dhcp, start = unit["dhcp"], ipaddress.ip_interface(unit["address"]).network.network_address
    first, last = ipaddress.ip_address(dhcp["from"]), ipaddress.ip_address(dhcp["to"])
    server = [("PoolOffset", int(first) - int(start)), ("PoolSize", int(last) - int(first) + 1)]
    server += [("EmitDNS", bool(dhcp["dns"])), *[("DNS", one) for one in dhcp["dns"]]]
    leases = [("DHCPServerStaticLease", [("MACAddress", lease["mac"]), ("Address", lease["address"])]) for lease in dhcp["leases"]]
    return [("DHCPServer", server), *leases]


observer = Vlan()
