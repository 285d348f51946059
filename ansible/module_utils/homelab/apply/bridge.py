"""Applies bridges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..core import records, system
from ..core.observer import Resource
from ..observe import libvirt_host, networkd
from ..observe.bridge import Bridge, files_of
from .networkd import delete_link, forget, have_read_anew, reload_until, write_files
from .writer import Change, Errors, Writer

# A record of a kind of its own.
PORT_BEFORE = "port-before"


class BridgeWriter(Bridge, Writer):
    """Writes bridges and their ports through systemd-networkd."""

    may_disconnect = True

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        links = networkd.read_links()
        return {resource["name"]: reason for resource in resources if (reason := port_fault(resource, resources, links))}

    def affected(self, change: Change, owner: str) -> list[str]:
        name = change.seen.name
        vlans = [f"vlan {link.name}" for link in networkd.read_links().values() if link.parent == name]
        return sorted(vlans) + [f"domain {one}" for one in libvirt_host.domains_on(name)]

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        guests, mine = libvirt_host.taps(), {*records.names(owner, "domain")}
        leaving = {*records.names(owner, "vlan"), *(tap for tap, guest in guests.items() if guest in mine)}
        return self._in_use(names, owner, {name: link for name, link in networkd.read_links().items() if name not in leaving}, guests)

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        resources = [change.resource for change in changes]
        for resource in resources:
            write_files(files_of(resource, owner), owner, self.kind, resource["name"])
            have_read_anew(resource["name"])
        remember_ports(resources, owner)
        links = networkd.read_links()
        for resource in resources:
            if resource["name"] in links:
                set_bridge(resource, links[resource["name"]])
        for change in changes:
            left = set(change.record.get("ports", [])) - {port["name"] for port in change.resource["ports"]}
            release(
                owner,
                held(change.resource["name"], left, links),
                staying={port["name"] for resource in resources for port in resource["ports"]},
            )
        links_of = {resource["name"]: [resource["name"], *(port["name"] for port in resource["ports"])] for resource in resources}
        return reload_until(lambda: self.observe(resources, owner), links_of)

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        links = networkd.read_links()
        errors = self._in_use(names, owner, links, libvirt_host.taps())
        to_remove = [name for name in names if name not in errors]
        forget(owner, self.kind, to_remove)
        for name in to_remove:
            release(owner, held(name, self._ports(name, owner), links))
        return errors | {name: error for name in to_remove if (error := delete_link(name))}

    def _in_use(self, names: Sequence[str], owner: str, links: dict[str, networkd.Link], guests: dict[str, str]) -> Errors:
        found = {name: in_use(name, self._ports(name, owner), links.values(), guests) for name in names}
        return {name: reason for name, reason in found.items() if reason}

    def _ports(self, name: str, owner: str) -> Sequence[str]:
        return list((records.read(owner, self.kind, name) or {}).get("ports", []))


def set_bridge(resource: Resource, link: networkd.Link) -> None:
    """Set the options that networkd gives to a new bridge. The default VLAN cannot change while filtering is on."""
    change = ["ip", "link", "set", "dev", link.name, "type", "bridge"]
    if not link.data.get("vlan_filtering"):
        system.run([*change, "vlan_default_pvid", "0"], check=False)
        system.run([*change, "vlan_filtering", "1"], check=False)
    system.run([*change, "stp_state", str(int(resource["stp"]))], check=False)


def port_fault(resource: Resource, resources: Sequence[Resource], links: dict[str, networkd.Link]) -> str:
    """Why a bridge cannot have the ports that it names; nothing when it can."""
    names = [port["name"] for port in resource["ports"]]
    missing = [name for name in names if name not in links]
    if missing:
        return f"port {', '.join(missing)} does not exist on this host; it has {', '.join(sorted(set(links) - {'lo'}))}"
    if managing := [name for name in names if name in networkd.links_that_reach(links)]:
        return f"port {', '.join(managing)} carries this host's own address; use another link"
    # A bridge of this run that no longer names a port releases it first.
    holders = {one["name"]: {port["name"] for port in one["ports"]} for one in resources}
    for name in names:
        master = links[name].master
        if master not in (None, resource["name"]) and name in holders.get(master, {name}):
            return f"port {name} belongs to {master}; take it out there first"
    return ""


def in_use(name: str, ports: Sequence[str], links: Iterable[networkd.Link], guests: dict[str, str]) -> str:
    """Return what else would lose its network with a bridge: VLANs on it, and other ports. `guests` are the domains by their ports."""
    found = [link.name for link in links if link.parent == name or (link.master == name and link.name not in ports)]
    others = [f"{one} of domain {guests[one]}" if one in guests else one for one in found]
    return f"it still carries {', '.join(sorted(others))}; remove that first" if others else ""


def remember_ports(resources: Sequence[Resource], owner: str) -> None:
    """How ports were before they became ours."""
    links = networkd.read_links()
    for port in (port["name"] for resource in resources for port in resource["ports"]):
        if records.read(owner, PORT_BEFORE, port) is None:
            records.write(owner, PORT_BEFORE, port, {"up": links[port].up, "mtu": links[port].mtu})


def held(bridge: str, ports: Iterable[str], links: dict[str, networkd.Link]) -> list[str]:
    """Return the links that are ports of a bridge now."""
    return [port for port in ports if port in links and links[port].master == bridge]


def release(owner: str, ports: Iterable[str], staying: Collection[str] = ()) -> None:
    """Take ports that are no longer wanted out of their bridge, and leave them as they were; those `staying` go to another one."""
    for port in ports:
        was = records.read(owner, PORT_BEFORE, port) or {"up": False, "mtu": 1500}
        system.run(["ip", "link", "set", port, "nomaster"], check=False)
        system.run(["ip", "link", "set", port, "up" if was["up"] else "down", "mtu", str(was["mtu"])], check=False)
        if port not in staying:
            records.remove(owner, PORT_BEFORE, port)
