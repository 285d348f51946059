"""Restores files, rules and links as a snapshot has them."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterable
from typing import Any

from . import state, store

# Files that a writer leaves when it is killed in the middle of a file (core/system.py, write_text).
SCRATCH = ["/etc/systemd/network/", "/etc/systemd/network/*.d/", "/etc/homelab/nftables/*/", "/var/lib/homelab/*/*/"]
PATIENCE_SECONDS = 30


def roll_back(snapshot: store.Snapshot) -> None:
    """Restore all that a snapshot holds, write the outcome and disarm."""
    ours = {*snapshot["ours"], *state.link_names()}
    did = restore_files(snapshot["files"], snapshot.get("kinds", state.FORMER_KINDS))
    left: list[str] = []
    if snapshot["boot"] == store.boot():
        did += [f"table {name.replace('/', ' ')}" for name in restore_rules(snapshot)]
        did += restore_links(snapshot, ours, left)
        # Rules may name a link, and go with it.
        restore_rules(snapshot)
        if rules_text(snapshot):
            left.append("the rules")
        restore_parameters({"net/ipv4/ip_forward": snapshot["forwarding"], **snapshot.get("parameters", {})}, left)
    at = time.strftime("%H:%M:%S UTC", time.gmtime())
    store.write(store.OUTCOME, {"run": snapshot["run"], "at": at, "did": did, "left": left})
    disarm()


def restore_files(files: dict[str, Any], kinds: Iterable[str]) -> list[str]:
    """Restore our files, and delete those that the change added. Return the paths of the changed ones."""
    did = []
    for scratch in (path for folder in SCRATCH for path in glob.glob(f"{folder}.homelab-*")):
        os.unlink(scratch)
    for path in sorted({*state.files(kinds), *files}):
        if path not in files:
            os.unlink(path)
        elif not os.path.exists(path) or store.content(path) != files[path]:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            store.replace(path, *files[path])
        else:
            continue
        did.append(path)
    return [path for path in did if not path.startswith("/var/lib/homelab/")]


def restore_parameters(values: dict[str, str], left: list[str]) -> None:
    """Write kernel parameters back, and add to `left` those that do not take their former value."""
    for key, value in values.items():
        try:
            with open(f"{state.PARAMETERS}/{key}", "w", encoding="utf-8") as stream:
                stream.write(value)
        except OSError:
            left.append(key)


def rules_text(snapshot: store.Snapshot) -> dict[str, str]:
    """Return the input of nft(8) that restores each changed table, by name."""
    was = snapshot["tables"]
    names = sorted({*was, *state.our_tables()})
    changed = [name for name in names if state.listings([name])[name][0] != was.get(name, [""])[0]]
    return {name: table_text(name, was.get(name, ["", ""])[1]) for name in changed}


def restore_rules(snapshot: store.Snapshot) -> list[str]:
    """Restore tables in one transaction, or one by one where one of them fails. Return their names."""
    tables = rules_text(snapshot)
    store.run("nft", "-f", "-", stdin="".join(tables.values()))
    for text in rules_text(snapshot).values():
        store.run("nft", "-f", "-", stdin=text)
    return list(tables)


def table_text(name: str, listing: str) -> str:
    """Return the input of nft(8) that replaces a table."""
    table = "table " + name.replace("/", " ")
    return f"{table}\ndelete {table}\n{listing}"


def restore_links(snapshot: store.Snapshot, ours: set[str], left: list[str]) -> list[str]:
    """Let networkd read its files again and wait; ip(8) does the rest. Return the changed links."""
    was = snapshot["links"]
    changed = changed_links(was, ours)
    for name in changed:
        detach(name, was.get(name))
    for path in glob.glob("/etc/systemd/network/*.netdev"):
        # networkd makes a link only of a .netdev that is newer than the one it has read.
        if path in snapshot["files"] and changed:
            os.utime(path)
    store.run("networkctl", "reload")
    end = time.monotonic() + PATIENCE_SECONDS
    asked = not changed
    while (still := changed_links(was, ours)) and time.monotonic() < end:
        if not asked and time.monotonic() > end - PATIENCE_SECONDS + 3:
            asked = True
            for name in still:
                store.run("networkctl", "reconfigure", name)
        time.sleep(0.5)
    left += still
    return [f"link {name}" for name in changed]


def changed_links(was: dict[str, Any], ours: set[str]) -> list[str]:
    """Return the names of our links that differ from the snapshot."""
    now = state.links()
    return sorted(name for name in ours if now.get(name) != was.get(name))


def detach(name: str, was: dict[str, Any] | None) -> None:
    """Delete a link that the change created, or undo what networkd leaves in place."""
    link = state.links().get(name)
    if link is None:
        return
    if was is None or any(was[key] != link[key] for key in ("kind", "parent", "id")):
        if link["kind"] in ("bridge", "vlan"):
            store.run("ip", "link", "delete", "dev", name)
        return
    if link["bridge"] != was["bridge"]:
        set_bridge(name, was["bridge"])
    if link["master"] != was["master"]:
        store.run("ip", "link", "set", "dev", name, *(["master", was["master"]] if was["master"] else ["nomaster"]))
    store.run("ip", "link", "set", "dev", name, "up" if was["up"] else "down", "mtu", str(was["mtu"]))


def set_bridge(name: str, wanted: dict[str, Any]) -> None:
    """Set a bridge's options. The default VLAN cannot change while filtering is on."""
    options = [("vlan_filtering", 0), *((key, wanted[key]) for key in ("vlan_default_pvid", "stp_state", "vlan_filtering"))]
    for key, value in options:
        if value is not None:
            store.run("ip", "link", "set", "dev", name, "type", "bridge", key, str(value))


def disarm() -> None:
    """Delete the snapshot and stop the timer."""
    # A reset may have left an unfinished one.
    for path in (store.SNAPSHOT, f"{store.SNAPSHOT}.new"):
        if os.path.exists(path):
            os.unlink(path)
    # A confirmed change survives a power cut.
    store.flush(store.FOLDER)
    store.run("systemctl", "stop", store.TIMER)
