#!/usr/bin/python
"""Ansible module: applies a list of bridges. Its options are those of role bridge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ansible.module_utils.homelab import libvirt_host, networkd, records, system
from ansible.module_utils.homelab.bridge import Bridge, files_of
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.networkd_apply import delete_link, forget, have_read_anew, reload_until, write_files

# A record of a kind of its own.
PORT_BEFORE = "port-before"


class BridgeWriter(Bridge, Writer):
    """Writes bridges and their ports through systemd-networkd."""

    cuts_off = True

    def refuse(self, units: Sequence, owner: str) -> Errors:
        links = networkd.read_links()
        return {unit["name"]: reason for unit in units if (reason := port_fault(unit, units, links))}

    def touches(self, change: Change, owner: str) -> list[str]:
        name = change.seen.name
        vlans = [f"vlan {link.name}" for link in networkd.read_links().values() if link.parent == name]
        return sorted(vlans) + [f"domain {one}" for one in libvirt_host.domains_on(name)]

    def stays(self, names: Sequence[str], owner: str) -> Errors:
        guests, mine = libvirt_host.taps(), {*records.names(owner, "domain")}
        leaving = {*records.names(owner, "vlan"), *(tap for tap, guest in guests.items() if guest in mine)}
        return self._in_use(names, owner, {name: link for name, link in networkd.read_links().items() if name not in leaving}, guests)

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        units = [change.unit for change in changes]
        for unit in units:
            write_files(files_of(unit, owner), owner, self.kind, unit["name"])
            have_read_anew(unit["name"])
        remember_ports(units, owner)
        links = networkd.read_links()
        for unit in units:
            if unit["name"] in links:
                set_bridge(unit, links[unit["name"]])
        for change in changes:
            left = set(change.record.get("ports", [])) - {port["name"] for port in change.unit["ports"]}
            release(owner, held(change.unit["name"], left, links), staying={port["name"] for unit in units for port in unit["ports"]})
        links_of = {unit["name"]: [unit["name"], *(port["name"] for port in unit["ports"])] for unit in units}
        return reload_until(lambda: self.observe(units, owner), links_of)

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        links = networkd.read_links()
        errors = self._in_use(names, owner, links, libvirt_host.taps())
        going = [name for name in names if name not in errors]
        forget(owner, self.kind, going)
        for name in going:
            release(owner, held(name, self._ports(name, owner), links))
        return errors | {name: error for name in going if (error := delete_link(name))}

    def _in_use(self, names: Sequence[str], owner: str, links: dict[str, networkd.Link], guests: dict[str, str]) -> Errors:
        found = {name: in_use(name, self._ports(name, owner), links.values(), guests) for name in names}
        return {name: reason for name, reason in found.items() if reason}

    def _ports(self, name: str, owner: str) -> Sequence[str]:
        return (records.read(owner, self.kind, name) or {}).get("ports", [])


def set_bridge(unit: dict, link: networkd.Link) -> None:
    """Give a bridge that is there what networkd gives to one that it makes. The default VLAN cannot change while filtering is on."""
    change = ["ip", "link", "set", "dev", link.name, "type", "bridge"]
    if not link.data.get("vlan_filtering"):
        system.run([*change, "vlan_default_pvid", "0"], check=False)
        system.run([*change, "vlan_filtering", "1"], check=False)
    system.run([*change, "stp_state", str(int(unit["stp"]))], check=False)


def port_fault(unit: dict, units: Sequence, links: dict[str, networkd.Link]) -> str:
    """Why a bridge cannot have the ports that it names; nothing when it can."""
    names = [port["name"] for port in unit["ports"]]
    missing = [name for name in names if name not in links]
    if missing:
        return f"port {', '.join(missing)} does not exist on this host; it has {', '.join(sorted(set(links) - {'lo'}))}"
    if managing := [name for name in names if name in networkd.links_that_reach(links)]:
        return f"port {', '.join(managing)} carries this host's own address; use another link"
    # A bridge of this run that no longer names a port releases it first.
    holders = {one["name"]: {port["name"] for port in one["ports"]} for one in units}
    for name in names:
        master = links[name].master
        if master not in (None, unit["name"]) and name in holders.get(master, {name}):
            return f"port {name} belongs to {master}; take it out there first"
    return ""


def in_use(name: str, ports: Sequence[str], links: Iterable[networkd.Link], guests: dict[str, str]) -> str:
    """Who else would lose a network with a bridge: VLANs on it, and other ports; `guests` are the domains by their ports."""
    found = [link.name for link in links if link.parent == name or (link.master == name and link.name not in ports)]
    others = [f"{one} of domain {guests[one]}" if one in guests else one for one in found]
    return f"it still carries {', '.join(sorted(others))}; remove that first" if others else ""


def remember_ports(units: Sequence, owner: str) -> None:
    """How ports were before they became ours."""
    links = networkd.read_links()
    for port in (port["name"] for unit in units for port in unit["ports"]):
        if records.read(owner, PORT_BEFORE, port) is None:
            records.write(owner, PORT_BEFORE, port, {"up": links[port].up, "mtu": links[port].mtu})


def held(bridge: str, ports: Iterable[str], links: dict[str, networkd.Link]) -> list[str]:
    """Those of these links that are ports of a bridge now."""
    return [port for port in ports if port in links and links[port].master == bridge]


def release(owner: str, ports: Iterable[str], staying: Collection[str] = ()) -> None:
    """Take ports that are no longer wanted out of their bridge, and leave them as they were; those `staying` go to another one."""
    for port in ports:
        was = records.read(owner, PORT_BEFORE, port) or {"up": False, "mtu": 1500}
        system.run(["ip", "link", "set", port, "nomaster"], check=False)
        system.run(["ip", "link", "set", port, "up" if was["up"] else "down", "mtu", str(was["mtu"])], check=False)
        if port not in staying:
            records.remove(owner, PORT_BEFORE, port)


if __name__ == "__main__":
    run_module(BridgeWriter())
