#!/usr/bin/python
"""Ansible module: applies a list of bridges. Its options are those of role bridge."""

from __future__ import annotations

from collections.abc import Sequence

from ansible.module_utils.homelab import networkd, system
from ansible.module_utils.homelab.bridge import Bridge, files_of
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.networkd_apply import delete_link, forget, reload_until, write_files


class BridgeWriter(Bridge, Writer):
    """Writes bridges and their ports through systemd-networkd."""

    def refuse(self, units: Sequence, owner: str) -> Errors:
        links = networkd.read_links()
        uplinks = default_route_links()
        errors = {}
        for unit in units:
            names = [port["name"] for port in unit["ports"]]
            missing = [name for name in names if name not in links]
            managing = [name for name in names if name in uplinks]
            if missing:
                has = ", ".join(sorted(set(links) - {"lo"}))
                errors[unit["name"]] = f"port {', '.join(missing)} does not exist on this host; it has {has}"
            elif managing:
                errors[unit["name"]] = f"port {', '.join(managing)} carries this host's default route; use another link"
        return errors

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        units = [change.unit for change in changes]
        for unit in units:
            write_files(files_of(unit, owner), owner, self.kind, unit["name"])
        links_of = {unit["name"]: [unit["name"], *(port["name"] for port in unit["ports"])] for unit in units}
        return reload_until(lambda: self.observe(units, owner), links_of)

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        ports = [link.name for link in networkd.read_links().values() if link.master in names]
        ours = [port for name in names for port in ports if (networkd.FOLDER / f"10-homelab-{name}-{port}.network").exists()]
        forget(owner, self.kind, names)
        errors = {name: error for name in names if (error := delete_link(name))}
        for port in ours:
            system.run(["ip", "link", "set", port, "down"], check=False)
        return errors


def default_route_links() -> set[str]:
    """The links by which this host is reached from elsewhere."""
    words = [line.split() for line in system.run(["ip", "route", "show", "default"]).stdout.splitlines()]
    return {line[line.index("dev") + 1] for line in words if "dev" in line}


if __name__ == "__main__":
    run_module(BridgeWriter())
