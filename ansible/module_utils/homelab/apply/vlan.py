"""Applies VLANs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..core import records
from ..core.observer import Resource
from ..observe import libvirt_host, networkd
from ..observe.vlan import Vlan, dhcp_fault, files_of, must_be_recreated, taken
from .networkd import delete_link, forget, have_read_anew, reload_until, write_files
from .writer import Change, Errors, Writer


class VlanWriter(Vlan, Writer):
    """Writes VLANs through systemd-networkd."""

    may_disconnect = True

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        links = networkd.read_links()
        absent = [resource for resource in resources if resource["bridge"] not in links or not bridge_file(resource["bridge"]).exists()]
        return {resource["name"]: f"there is no bridge {resource['bridge']} on this host yet; `bridges` makes one" for resource in absent}

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        links = networkd.read_links().values()
        return {resource["name"]: reason for resource in resources if (reason := dhcp_fault(resource) or taken(resource, links))}

    def disruption(self, change: Change) -> str:
        link = networkd.read_links().get(change.resource["name"])
        return "replace" if link and must_be_recreated(change.resource, link) else "live"

    def affected(self, change: Change, owner: str) -> list[str]:
        """Return the names of the guests in the VLAN, and of those in the one that the link has now."""
        link = networkd.read_links().get(change.seen.name)
        left = [(link.parent, link.data["id"])] if link and link.kind == "vlan" and link.parent else []
        places = {(change.resource["bridge"], change.resource["id"]), *left}
        return [f"domain {one}" for one in sorted({name for place in places for name in libvirt_host.domains_on(*place)})]

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        resources = [change.resource for change in changes]
        links = networkd.read_links()
        for resource in resources:
            write_files(files_of(resource, owner), owner, self.kind, resource["name"])
            link = links.get(resource["name"])
            if link and must_be_recreated(resource, link):
                delete_link(link.name)
            have_read_anew(resource["name"])
        return reload_until(
            lambda: self.observe(resources, owner), {resource["name"]: [resource["name"], resource["bridge"]] for resource in resources}
        )

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        return with_guests(names, leaving=records.names(owner, "domain"))

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors = with_guests(names)
        to_remove = [name for name in names if name not in errors]
        forget(owner, self.kind, to_remove)
        return errors | {name: error for name in to_remove if (error := delete_link(name))}


def with_guests(names: Sequence[str], leaving: Collection[str] = ()) -> Errors:
    """Return the VLANs in which guests run that would lose the host, and with it their leases and their way out."""
    links = networkd.read_links()
    guests = {name: libvirt_host.domains_on(str(links[name].parent), links[name].data.get("id")) for name in names if name in links}
    staying = {name: [one for one in running if one not in leaving] for name, running in guests.items()}
    return {name: f"domain {', '.join(found)} runs in it; take its interface out first" for name, found in staying.items() if found}


def bridge_file(name: str) -> Path:
    """The file of a bridge that networkd has from us; a VLAN is a drop-in of it."""
    return networkd.FOLDER / f"10-homelab-{name}.network"
