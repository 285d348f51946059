#!/usr/bin/python
"""Ansible module: applies a list of bridges. Its options are those of role bridge."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ansible.module_utils.homelab import networkd, records, system
from ansible.module_utils.homelab.bridge import Bridge, files_of
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.networkd_apply import delete_link, forget, reload_until, write_files


class BridgeWriter(Bridge, Writer):
    """Writes bridges and their ports through systemd-networkd."""

    def refuse(self, units: Sequence, owner: str) -> Errors:
        links = networkd.read_links()
        uplinks = default_route_links() | {link.name for link in links.values() if link.addresses}
        errors = {}
        for unit in units:
            names = [port["name"] for port in unit["ports"]]
            missing = [name for name in names if name not in links]
            managing = [name for name in names if name in uplinks]
            busy = [name for name in names if name in links and links[name].master not in (None, unit["name"])]
            if missing:
                has = ", ".join(sorted(set(links) - {"lo"}))
                errors[unit["name"]] = f"port {', '.join(missing)} does not exist on this host; it has {has}"
            elif managing:
                errors[unit["name"]] = f"port {', '.join(managing)} carries this host's own address; use another link"
            elif busy:
                errors[unit["name"]] = f"port {busy[0]} belongs to {links[busy[0]].master}; take it out there first"
        return errors

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        units = [change.unit for change in changes]
        for unit in units:
            write_files(files_of(unit, owner), owner, self.kind, unit["name"])
            # networkd sets filtering and spanning tree only from a .netdev that it has not read yet.
            os.utime(networkd.FOLDER / f"10-homelab-{unit['name']}.netdev")
        for change in changes:
            release(change.unit["name"], set(change.record.get("ports", [])) - {port["name"] for port in change.unit["ports"]})
        links_of = {unit["name"]: [unit["name"], *(port["name"] for port in unit["ports"])] for unit in units}
        return reload_until(lambda: self.observe(units, owner), links_of)

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        ports = {name: (records.read(owner, self.kind, name) or {}).get("ports", []) for name in names}
        forget(owner, self.kind, names)
        for name in names:
            release(name, ports[name])
        return {name: error for name in names if (error := delete_link(name))}


def release(bridge: str, ports: Iterable[str]) -> None:
    """Take ports that are no longer wanted out of a bridge, and leave them as a host has links that nobody uses: down."""
    links = networkd.read_links()
    for port in ports:
        if port in links and links[port].master in (None, bridge):
            system.run(["ip", "link", "set", port, "nomaster"], check=False)
            system.run(["ip", "link", "set", port, "down"], check=False)


def default_route_links() -> set[str]:
    """The links by which this host is reached from elsewhere."""
    words = [line.split() for line in system.run(["ip", "route", "show", "default"]).stdout.splitlines()]
    return {line[line.index("dev") + 1] for line in words if "dev" in line}


if __name__ == "__main__":
    run_module(BridgeWriter())
