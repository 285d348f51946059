"""Shared by bridges and VLANs: systemd-networkd's files with an owner, and the kernel's links."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import ownership, system
from ..core.observer import Observer

FOLDER = Path("/etc/systemd/network")

Files = dict[Path, str]
Settings = list[tuple[str, list[tuple[str, Any]]]]


def render(owner: str, kind: str, name: str, settings: Settings) -> str:
    """A networkd file: the mark, then sections; a list repeats its key (systemd.syntax(7))."""
    lines = [ownership.line(owner, kind, name)]
    for section, values in settings:
        lines += ["", f"[{section}]"]
        for key, value in values:
            lines += [f"{key}={_text(one)}" for one in (value if isinstance(value, list) else [value])]
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def marks_on_host() -> dict[Path, dict[str, str]]:
    """Return all networkd files with an owner, with what their first line has."""
    paths = [*FOLDER.glob("*.netdev"), *FOLDER.glob("*.network"), *FOLDER.glob("*.network.d/*.conf")]
    # A link to /dev/null masks a file of that name elsewhere, systemd.network(5).
    return {path: mark for path in paths if path.is_file() and (mark := ownership.read(system.read_text(path)))}


def marked_files(owner: str, kind: str) -> dict[Path, str]:
    """All files of an owner's units of a kind, with the unit's name."""
    return {path: mark["name"] for path, mark in marks_on_host().items() if (mark["owner"], mark["kind"]) == (owner, kind)}


def owned_by(kind: str) -> list[tuple[str, str]]:
    """The names of all units of a kind that files of ours describe, each with its owner."""
    return sorted({(mark["name"], mark["owner"]) for mark in marks_on_host().values() if mark["kind"] == kind})


def owner_of(name: str, kind: str) -> str | None:
    """The owner that a link's file names; a link of another kind is that one's as such."""
    mark = ownership.read(system.read_text(FOLDER / f"10-homelab-{name}.netdev"))
    return f"{mark['owner']}, as a {mark['kind']}" if mark and mark["kind"] != kind else mark.get("owner")


def file_drift(files: Files, owner: str, kind: str, name: str) -> list[str]:
    """How the files of a unit differ, also by files of it that are no longer wanted."""
    diffs = [system.text_diff(str(path), system.read_text(path), text) for path, text in files.items()]
    stray = [path for path, resource in marked_files(owner, kind).items() if resource == name and path not in files]
    return [diff for diff in diffs if diff] + [f"{path} is there, but not wanted" for path in stray]


class LinkObserver(Observer):
    """Finds the links of a kind by the files that describe them. Two owners may have files of one name."""

    def found(self) -> dict[str, str | None]:
        return {**{link.name: None for link in read_links().values() if link.kind == self.kind}, **dict(owned_by(self.kind))}

    def owned_by(self, owner: str) -> list[str]:
        return [name for name, mark in owned_by(self.kind) if mark == owner]

    def owned_by_others(self, owner: str) -> set[str]:
        return {name for name, mark in owned_by(self.kind) if mark != owner}


@dataclass
class Link:
    """A link of the host (ip-link(8)); `vlans` maps a VLAN id to its flags, as bridge(8) lists them.

    `addresses` are the IPv4 ones; `reachable` means that it has any address, also IPv6, that others can use.
    """

    name: str
    up: bool
    carrier: bool
    mac: str
    mtu: int
    master: str | None
    parent: str | None
    kind: str | None
    data: dict[str, Any]
    addresses: list[str]
    reachable: bool
    vlans: dict[int, list[str]]


def read_links() -> dict[str, Link]:
    """All links by name, by two commands; a host that has neither (before its base) gives the names alone."""
    if not system.installed("bridge"):
        return {name: Link(name, False, False, "", 0, None, None, None, {}, [], False, {}) for name in os.listdir("/sys/class/net")}
    members: dict[str, dict[int, list[str]]] = {}
    for entry in json.loads(system.run(["bridge", "-j", "vlan", "show"]).stdout or "[]"):
        members[entry["ifname"]] = _vlans(entry.get("vlans", []))
    links = json.loads(system.run(["ip", "-j", "-d", "address", "show"]).stdout)
    return {link["ifname"]: _link(link, members.get(link["ifname"], {})) for link in links if "ifname" in link}


def _vlans(entries: list[dict[str, Any]]) -> dict[int, list[str]]:
    found = {}
    for entry in entries:
        for vlan in range(entry["vlan"], entry.get("vlanEnd", entry["vlan"]) + 1):
            found[vlan] = sorted(entry.get("flags", []))
    return found


def _link(link: dict[str, Any], vlans: dict[int, list[str]]) -> Link:
    info = link.get("linkinfo", {})
    return Link(
        name=link["ifname"],
        up="UP" in link["flags"],
        carrier="UP" in link["flags"] and "NO-CARRIER" not in link["flags"],
        mac=link.get("address", ""),
        mtu=link["mtu"],
        master=link.get("master"),
        parent=link.get("link"),
        kind=info.get("info_kind"),
        data=info.get("info_data", {}),
        addresses=[f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["family"] == "inet"],
        reachable=any(a["scope"] == "global" for a in link["addr_info"]),
        vlans=vlans,
    )


def links_that_reach(links: dict[str, Link]) -> set[str]:
    """The links by which this host is reached from elsewhere, and those under them."""
    routes = [system.run(["ip", version, "route", "show", "default"], check=False).stdout for version in ("-4", "-6")]
    words = [line.split() for text in routes for line in text.splitlines()]
    found = {line[line.index("dev") + 1] for line in words if "dev" in line} | {link.name for link in links.values() if link.reachable}
    return found | {parent for name in found & links.keys() if (parent := links[name].parent)}
