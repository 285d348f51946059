"""Observes VLAN-filtering bridges. A unit is {name, ports: [{name, trunk, untagged?}], mtu, stp}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from . import networkd, records, texts
from .kind import Kind, Observation, Unit
from .networkd import FOLDER, Files, Link


class Bridge(Kind):
    """Reads bridges, their ports and the ports' VLANs. Ports that are not ours (guests') are no drift."""

    kind = "bridge"
    defaults: ClassVar[Unit] = {"ports": [], "mtu": 1500, "stp": False}

    def name_of(self, unit: Unit) -> str:
        return str(unit["name"])

    def normalise(self, unit: Unit, contents: dict[str, str]) -> Unit:
        whole = super().normalise(unit, contents)
        return {**whole, "ports": [{"trunk": [], **port} for port in whole["ports"]]}

    def faults(self, unit: Unit) -> list[str]:
        return texts.faults(texts.LINK, "name", unit["name"], *(port["name"] for port in unit["ports"]))

    def record_of(self, unit: Unit) -> records.Record:
        return {"ports": [port["name"] for port in unit["ports"]]}

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        links = networkd.read_links() if units else {}
        return [observe(unit, owner, links) for unit in units]

    def found(self) -> dict[str, str | None]:
        return networkd.found(self.kind)

    def marked(self, owner: str) -> list[str]:
        return [name for name, mark in networkd.marked(self.kind) if mark == owner]

    def marked_by_others(self, owner: str) -> set[str]:
        return {name for name, mark in networkd.marked(self.kind) if mark != owner}


def observe(unit: Unit, owner: str, links: dict[str, Link]) -> Observation:
    """One bridge: its files, then its links."""
    name = unit["name"]
    files = files_of(unit, owner)
    link, owned_by = links.get(name), networkd.whose(name, "bridge")
    seen = Observation(name, present=link is not None or owned_by is not None, marked_by=owned_by)
    seen.drift = networkd.file_drift(files, owner, "bridge", name)
    if link is None:
        seen.drift.append(f"{name}: there is no such link")
        return seen
    seen.drift += _bridge_drift(unit, link)
    for port in unit["ports"]:
        seen.drift += _port_drift(name, port, links)
    seen.facts = {"mac": link.mac, "ports": [port["name"] for port in unit["ports"]]}
    return seen


def _bridge_drift(unit: Unit, link: Link) -> list[str]:
    drift = []
    if link.kind != "bridge":
        return [f"{link.name}: it is no bridge"]
    if not link.data.get("vlan_filtering"):
        drift.append(f"{link.name}: VLAN filtering is off, wanted on")
    if bool(link.data.get("stp_state")) != unit["stp"]:
        drift.append(f"{link.name}: spanning tree is {'off' if unit['stp'] else 'on'}")
    if link.mtu != unit["mtu"]:
        drift.append(f"{link.name}: MTU is {link.mtu}, wanted {unit['mtu']}")
    return drift if link.up else [*drift, f"{link.name}: it is down"]


def _port_drift(bridge: str, port: dict[str, Any], links: dict[str, Link]) -> list[str]:
    link = links.get(port["name"])
    if link is None:
        return [f"{port['name']}: there is no such link"]
    if link.master != bridge:
        return [f"{link.name}: it is a port of {link.master or 'no bridge'}, wanted {bridge}"]
    wanted: dict[int, list[str]] = {vlan: [] for vlan in port["trunk"]}
    if "untagged" in port:
        wanted[port["untagged"]] = ["Egress Untagged", "PVID"]
    drift = [] if link.up else [f"{link.name}: it is down"]
    if link.vlans != wanted:
        drift.append(f"{link.name}: VLANs {_vlans(link.vlans)}, wanted {_vlans(wanted)}")
    return drift


def _vlans(vlans: dict[int, list[str]]) -> str:
    return ", ".join(f"{vlan} untagged" if flags else str(vlan) for vlan, flags in sorted(vlans.items())) or "none"


def files_of(unit: Unit, owner: str) -> Files:
    """The networkd files of a bridge. Defaults are written, since deleting a line does not revert it."""
    name = unit["name"]
    files = {
        FOLDER / f"10-homelab-{name}.netdev": _render(owner, name, [
            ("NetDev", [("Name", name), ("Kind", "bridge"), ("MTUBytes", unit["mtu"])]),
            ("Bridge", [("VLANFiltering", True), ("DefaultPVID", "none"), ("STP", unit["stp"])]),
        ]),
        FOLDER / f"10-homelab-{name}.network": _render(owner, name, [
            ("Match", [("Name", name)]),
            ("Link", [("RequiredForOnline", False), ("MTUBytes", unit["mtu"])]),
            ("Network", [("ConfigureWithoutCarrier", True), ("LinkLocalAddressing", False), ("IPv6AcceptRA", False)]),
        ]),
    }  # fmt: skip
    for port in unit["ports"]:
        vlans: networkd.Settings = [("BridgeVLAN", [("VLAN", vlan)]) for vlan in port["trunk"]]
        if "untagged" in port:
            vlans.append(("BridgeVLAN", [("PVID", port["untagged"]), ("EgressUntagged", port["untagged"])]))
        files[FOLDER / f"10-homelab-{name}-{port['name']}.network"] = _render(owner, name, [
            ("Match", [("Name", port["name"])]),
            ("Link", [("RequiredForOnline", False), ("MTUBytes", unit["mtu"])]),
            ("Network", [("Bridge", name), ("LinkLocalAddressing", False), ("IPv6AcceptRA", False)]),
            *vlans,
        ])  # fmt: skip
    return files


def _render(owner: str, name: str, settings: networkd.Settings) -> str:
    return networkd.render(owner, "bridge", name, settings)


observer = Bridge()
