"""The present state of what a change may alter: our files, tables, links and kernel parameters."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable
from typing import Any

from . import store

TABLE_MARK = "homelab:"
FILE_MARK = "# homelab: "
MARKED = ["/etc/systemd/network/*", "/etc/systemd/network/*.d/*", "/etc/homelab/nftables/*/*", "/etc/sysctl.d/*"]
RECORDS = "/var/lib/homelab/*/{kind}/*.json"
# The kinds of the records that version 0.1.0 restored; its snapshots do not name them.
FORMER_KINDS = ["bridge", "vlan", "nftables-table", "port-before"]
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
PARAMETERS = "/proc/sys"


def current(kinds: Iterable[str], changing: Iterable[str], keys: Iterable[str]) -> dict[str, Any]:
    """Return files, tables, links and kernel parameters as they are. Raise OSError.

    `kinds` are those whose records belong to the state, `changing` names tables as `family/name`, `keys` kernel parameters by
    their path below PARAMETERS.
    """
    return {
        "kinds": sorted(kinds),
        "files": {path: store.content(path) for path in files(kinds)},
        "tables": tables({*our_tables(must=True), *changing}),
        "links": links(must=True),
        "routes": routes(),
        "ours": sorted(link_names()),
        "forwarding": store.content(FORWARDING)[0],
        "parameters": parameters(keys),
    }


def parameters(keys: Iterable[str]) -> dict[str, str]:
    """Return the values of kernel parameters that exist, by their path below PARAMETERS."""
    paths = {key: f"{PARAMETERS}/{key}" for key in keys}
    return {key: str(store.content(path)[0]) for key, path in paths.items() if os.path.isfile(path)}


def files(kinds: Iterable[str]) -> list[str]:
    """Return the paths of our files for network, rules and kernel parameters, and of the records of these kinds."""
    candidates = [path for pattern in MARKED for path in glob.glob(pattern) if os.path.isfile(path)]
    marked = [path for path in candidates if store.content(path)[0].startswith(FILE_MARK)]
    return sorted([*marked, *(path for kind in kinds for path in glob.glob(RECORDS.format(kind=kind)))])


def all_tables(must: bool = False) -> dict[str, str]:
    """Return the comments of all tables, by `family/name`."""
    listed = json.loads(store.run("nft", "-j", "list", "tables", must=must) or '{"nftables": []}')["nftables"]
    found = [entry["table"] for entry in listed if "table" in entry]
    return {f"{one['family']}/{one['name']}": str(one.get("comment", "")) for one in found}


def our_tables(must: bool = False) -> list[str]:
    """Return the tables whose comment names an owner."""
    return [name for name, comment in all_tables(must).items() if comment.startswith(TABLE_MARK)]


def listings(names: Iterable[str]) -> dict[str, list[str]]:
    """Return each table without and with counters and elements; two empty texts where it does not exist."""

    def listing(name: str, *options: str) -> str:
        return store.run("nft", *options, "list", "table", *name.split("/"))

    return {name: [listing(name, "-s"), listing(name)] for name in names}


def tables(names: Iterable[str]) -> dict[str, list[str]]:
    """Return listings to restore. Raise OSError where an existing table cannot be listed: it would count as new."""
    found = listings(names)
    existing = all_tables(must=True) if found else {}
    if lost := [name for name, listing in found.items() if name in existing and not all(listing)]:
        raise OSError(f"nft does not list {', '.join(lost)}")
    return found


def link_names() -> set[str]:
    """Return the links that our files create or use as ports."""
    texts = [store.content(path)[0] for path in files([]) if path.endswith((".netdev", ".network"))]
    return {line.split("=", 1)[1] for text in texts for line in text.splitlines() if line.startswith("Name=")}


def links(must: bool = False) -> dict[str, Any]:
    """Return what a change may alter of each link: kind, bridge, parent, VLAN, state, MTU, addresses, carried VLANs."""
    vlans = {entry["ifname"]: entry.get("vlans", []) for entry in json.loads(store.run("bridge", "-j", "vlan", "show", must=must) or "[]")}
    found = {}
    for link in json.loads(store.run("ip", "-j", "-d", "address", "show", must=must) or "[]"):
        info = link.get("linkinfo", {})
        data = info.get("info_data", {})
        found[link["ifname"]] = {
            "kind": info.get("info_kind"),
            "master": link.get("master"),
            "parent": link.get("link"),
            "id": data.get("id") if info.get("info_kind") == "vlan" else None,
            "bridge": {key: data.get(key) for key in ("vlan_filtering", "vlan_default_pvid", "stp_state")},
            "up": "UP" in link.get("flags", []),
            "mtu": link["mtu"],
            "addresses": sorted(f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["family"] == "inet"),
            "vlans": vlans.get(link["ifname"], []),
        }
    return found


def routes() -> list[str]:
    """Return the routes that somebody set, as ip(8) takes them: deleting an address or a link deletes its routes, too."""
    found = []
    for family in ("-4", "-6"):
        for line in store.run("ip", family, "route", "show").splitlines():
            # The kernel's own come with addresses, and those of router advertisements by themselves.
            if "proto kernel" not in line and "proto ra" not in line:
                words = [word for word in line.split() if word not in ("linkdown", "dead", "onlink", "offload")]
                found.append(" ".join([family, "route", "replace", *words]))
    return found
