"""Restores links in the kernel, with ip(8) and bridge(8) alone: networkd may hang, and its files may be on a disk that fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import state, store

Link = dict[str, Any]

# Bridges first: VLANs are made on them, and ports join them.
ORDER = ["bridge", "vlan"]


def changed_links(was: dict[str, Link], ours: Iterable[str]) -> list[str]:
    """Return the names of our links that differ from the snapshot."""
    now = state.links()
    return sorted((name for name in ours if now.get(name) != was.get(name)), key=lambda name: (_rank(was.get(name)), name))


def _rank(link: Link | None) -> int:
    return ORDER.index(link["kind"]) if link and link["kind"] in ORDER else len(ORDER)


def restore(was: dict[str, Link], names: Iterable[str], routes: list[str]) -> None:
    """Restore these links, then the routes that went with them; each command may fail, the caller compares the state that follows."""
    for name in names:
        _restore_link(name, was.get(name), state.links().get(name))
    for route in routes:
        store.run("ip", *route.split())


def _restore_link(name: str, was: Link | None, link: Link | None) -> None:
    if link is not None and (was is None or any(was[key] != link[key] for key in ("kind", "parent", "id"))):
        if link["kind"] in ORDER:
            store.run("ip", "link", "delete", "dev", name)
        link = None
    if was is None:
        return
    if link is None:
        _add(name, was)
        link = state.links().get(name)
    if link is None:
        return
    if link["bridge"] != was["bridge"]:
        _set_bridge(name, was["bridge"])
    if link["master"] != was["master"]:
        store.run("ip", "link", "set", "dev", name, *(["master", was["master"]] if was["master"] else ["nomaster"]))
    store.run("ip", "link", "set", "dev", name, "up" if was["up"] else "down", "mtu", str(was["mtu"]))
    _set_vlans(name, was, state.links().get(name, link))
    _set_addresses(name, was["addresses"], link["addresses"])


def _add(name: str, was: Link) -> None:
    if was["kind"] == "bridge":
        store.run("ip", "link", "add", "name", name, "type", "bridge")
    elif was["kind"] == "vlan":
        store.run("ip", "link", "add", "link", str(was["parent"]), "name", name, "type", "vlan", "id", str(was["id"]))


def _set_bridge(name: str, wanted: dict[str, Any]) -> None:
    """Set a bridge's options. The default VLAN cannot change while filtering is on."""
    options = [("vlan_filtering", 0), *((key, wanted[key]) for key in ("vlan_default_pvid", "stp_state", "vlan_filtering"))]
    for key, value in options:
        if value is not None:
            store.run("ip", "link", "set", "dev", name, "type", "bridge", key, str(value))


def _set_vlans(name: str, was: Link, link: Link) -> None:
    """Set which VLANs a bridge or one of its ports carries, and how."""
    own = ["self"] if was["kind"] == "bridge" else []
    for entry in (one for one in link["vlans"] if one not in was["vlans"]):
        store.run("bridge", "vlan", "delete", "dev", name, "vid", _range(entry), *own)
    for entry in (one for one in was["vlans"] if one not in link["vlans"]):
        words = {"PVID": "pvid", "Egress Untagged": "untagged"}
        store.run(
            "bridge",
            "vlan",
            "add",
            "dev",
            name,
            "vid",
            _range(entry),
            *(words[one] for one in entry.get("flags", []) if one in words),
            *own,
        )


def _range(entry: dict[str, Any]) -> str:
    return f"{entry['vlan']}-{entry['vlanEnd']}" if "vlanEnd" in entry else str(entry["vlan"])


def _set_addresses(name: str, wanted: list[str], has: list[str]) -> None:
    for address in wanted:
        store.run("ip", "address", "replace", address, "dev", name)
    for address in set(has) - set(wanted):
        store.run("ip", "address", "delete", address, "dev", name)
