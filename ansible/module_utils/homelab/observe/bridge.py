"""Observes VLAN-filtering bridges. A unit is {name, ports: [{name, trunk, untagged?}], mtu, stp}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import records
from ..core.observer import Observation, Resource
from . import networkd
from .networkd import FOLDER, Files, Link


class Bridge(networkd.LinkObserver):
    """Reads bridges, their ports and the ports' VLANs. Ports that are not ours (guests') are no drift."""

    kind = "bridge"

    def record_of(self, resource: Resource) -> records.Record:
        return {"ports": [port["name"] for port in resource["ports"]]}

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        links = networkd.read_links() if resources else {}
        return [observe(resource, owner, links) for resource in resources]


def observe(resource: Resource, owner: str, links: dict[str, Link]) -> Observation:
    """Return the observation of a bridge: its files, then its links."""
    name = resource["name"]
    files = files_of(resource, owner)
    link, owned_by = links.get(name), networkd.owner_of(name, "bridge")
    seen = Observation(name, present=link is not None or owned_by is not None, owner=owned_by)
    seen.differences = networkd.file_drift(files, owner, "bridge", name)
    if link is None:
        seen.differences.append(f"{name}: there is no such link")
        return seen
    seen.differences += _bridge_drift(resource, link)
    for port in resource["ports"]:
        seen.differences += _port_drift(name, port, links)
    seen.facts = {"mac": link.mac, "ports": [port["name"] for port in resource["ports"]]}
    return seen


def _bridge_drift(resource: Resource, link: Link) -> list[str]:
    differences = []
    if link.kind != "bridge":
        return [f"{link.name}: it is no bridge"]
    if not link.data.get("vlan_filtering"):
        differences.append(f"{link.name}: VLAN filtering is off, wanted on")
    if bool(link.data.get("stp_state")) != resource["stp"]:
        differences.append(f"{link.name}: spanning tree is {'off' if resource['stp'] else 'on'}")
    if link.mtu != resource["mtu"]:
        differences.append(f"{link.name}: MTU is {link.mtu}, wanted {resource['mtu']}")
    return differences if link.up else [*differences, f"{link.name}: it is down"]


def _port_drift(bridge: str, port: dict[str, Any], links: dict[str, Link]) -> list[str]:
    link = links.get(port["name"])
    if link is None:
        return [f"{port['name']}: there is no such link"]
    if link.master != bridge:
        return [f"{link.name}: it is a port of {link.master or 'no bridge'}, wanted {bridge}"]
    wanted: dict[int, list[str]] = {vlan: [] for vlan in port["tagged"]}
    if "untagged" in port:
        wanted[port["untagged"]] = ["Egress Untagged", "PVID"]
    differences = [] if link.up else [f"{link.name}: it is down"]
    if link.vlans != wanted:
        differences.append(f"{link.name}: VLANs {_vlans(link.vlans)}, wanted {_vlans(wanted)}")
    return differences


def _vlans(vlans: dict[int, list[str]]) -> str:
    return ", ".join(f"{vlan} untagged" if flags else str(vlan) for vlan, flags in sorted(vlans.items())) or "none"


def files_of(resource: Resource, owner: str) -> Files:
    """The networkd files of a bridge. Defaults are written, since deleting a line does not revert it."""
    name = resource["name"]
    files = {
        FOLDER / f"10-homelab-{name}.netdev": _render(owner, name, [
            ("NetDev", [("Name", name), ("Kind", "bridge"), ("MTUBytes", resource["mtu"])]),
            ("Bridge", [("VLANFiltering", True), ("DefaultPVID", "none"), ("STP", resource["stp"])]),
        ]),
        FOLDER / f"10-homelab-{name}.network": _render(owner, name, [
            ("Match", [("Name", name)]),
            ("Link", [("RequiredForOnline", False), ("MTUBytes", resource["mtu"])]),
            ("Network", [("ConfigureWithoutCarrier", True), ("LinkLocalAddressing", False), ("IPv6AcceptRA", False)]),
        ]),
    }  # fmt: skip
    for port in resource["ports"]:
        vlans: networkd.Settings = [("BridgeVLAN", [("VLAN", vlan)]) for vlan in port["tagged"]]
        if "untagged" in port:
            vlans.append(("BridgeVLAN", [("PVID", port["untagged"]), ("EgressUntagged", port["untagged"])]))
        files[FOLDER / f"10-homelab-{name}-{port['name']}.network"] = _render(owner, name, [
            ("Match", [("Name", port["name"])]),
            ("Link", [("RequiredForOnline", False), ("MTUBytes", resource["mtu"])]),
            ("Network", [("Bridge", name), ("LinkLocalAddressing", False), ("IPv6AcceptRA", False)]),
            *vlans,
        ])  # fmt: skip
    return files


def _render(owner: str, name: str, settings: networkd.Settings) -> str:
    return networkd.render(owner, "bridge", name, settings)


observer = Bridge()
