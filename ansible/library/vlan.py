#!/usr/bin/python
"""Ansible module: applies a list of VLANs. Its options are those of role vlan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.homelab import libvirt_host, networkd
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.networkd_apply import delete_link, forget, have_read_anew, reload_until, write_files
from ansible.module_utils.homelab.vlan import Vlan, dhcp_fault, files_of, must_be_made_anew, taken


class VlanWriter(Vlan, Writer):
    """Writes VLANs through systemd-networkd."""

    cuts_off = True

    def lacks(self, units: Sequence, owner: str) -> Errors:
        links = networkd.read_links()
        absent = [unit for unit in units if unit["bridge"] not in links or not bridge_file(unit["bridge"]).exists()]
        return {unit["name"]: f"there is no bridge {unit['bridge']} on this host yet; `bridges` makes one" for unit in absent}

    def refuse(self, units: Sequence, owner: str) -> Errors:
        links = networkd.read_links().values()
        return {unit["name"]: reason for unit in units if (reason := dhcp_fault(unit) or taken(unit, links))}

    def disruption(self, change: Change) -> str:
        link = networkd.read_links().get(change.unit["name"])
        return "replace" if link and must_be_made_anew(change.unit, link) else "live"

    def touches(self, change: Change, owner: str) -> list[str]:
        """Also who is in the VLAN that the link is now, and is to leave."""
        link = networkd.read_links().get(change.seen.name)
        left = [(link.parent, link.data["id"])] if link and link.kind == "vlan" and link.parent else []
        places = {(change.unit["bridge"], change.unit["id"]), *left}
        return [f"domain {one}" for one in sorted({name for place in places for name in libvirt_host.domains_on(*place)})]

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        units = [change.unit for change in changes]
        links = networkd.read_links()
        for unit in units:
            write_files(files_of(unit, owner), owner, self.kind, unit["name"])
            link = links.get(unit["name"])
            if link and must_be_made_anew(unit, link):
                delete_link(link.name)
            have_read_anew(unit["name"])
        return reload_until(lambda: self.observe(units, owner), {unit["name"]: [unit["name"], unit["bridge"]] for unit in units})

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        forget(owner, self.kind, names)
        return {name: error for name in names if (error := delete_link(name))}


def bridge_file(name: str) -> Path:
    """The file of a bridge that networkd has from us; a VLAN is a drop-in of it."""
    return networkd.FOLDER / f"10-homelab-{name}.network"


if __name__ == "__main__":
    run_module(VlanWriter())
