"""The way back: puts network and rules as they were before a change that nobody confirmed by a new login.

A writer imports it and calls `arm` before it changes tables, bridges or VLANs. The host's base installs this same
file as /etc/homelab/way-back, which needs nothing but Python: a timer runs `restore`, so does the boot, before the
network, since a locked-out operator power-cycles; a new login runs `confirm RUN`, or `now RUN` where it failed.
"""

from __future__ import annotations

import fcntl
import glob
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

PROGRAM = "/etc/homelab/way-back"
SERVICE = "homelab-way-back.service"
TIMER = "homelab-way-back.timer"
# No owner's name begins with a dot.
FOLDER = "/var/lib/homelab/.way-back"
SNAPSHOT = f"{FOLDER}/snapshot.json"
OUTCOME = f"{FOLDER}/outcome.json"
# The lock of whoever changes this host (lock.py).
APPLYING = "/run/homelab/applying"
TABLE_MARK = "homelab:"
FILE_MARK = "# homelab: "
MARKED = ["/etc/systemd/network/*", "/etc/systemd/network/*.d/*", "/etc/homelab/nftables/*/*"]
RECORDS = [f"/var/lib/homelab/*/{kind}/*.json" for kind in ("bridge", "vlan", "nftables-table", "port-before")]
# What a writer that was cut off in the middle of a file leaves (system.write_text).
SCRATCH = ["/etc/systemd/network/", "/etc/systemd/network/*.d/", "/etc/homelab/nftables/*/", "/var/lib/homelab/*/*/"]
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
PATIENCE_SECONDS = 30

Snapshot = dict[str, Any]


def run(*argv: str, stdin: str = "", must: bool = False) -> str:
    """What a command prints; a failing one prints nothing, and what it should have done is seen to be missing.

    One that `must` answer raises OSError, since how things are cannot be kept by half.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, errors="surrogateescape", timeout=60, check=False)
    if must and done.returncode != 0:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout if done.returncode == 0 else ""


def arm(run_id: str, seconds: int, tables: Iterable[str] = ()) -> str:
    """Keep how things are, once for a run, and set the timer (anew); says why that cannot be, else nothing.

    `tables` names, as `family/name`, those that change and may not bear our mark yet. Raises OSError.
    """
    if said := told(run_id):
        # Between two kinds of this run the timer came.
        return f"{said}; run it again"
    snapshot = _read(SNAPSHOT) or {"run": run_id, "boot": _boot(), **_state(tables)}
    snapshot["tables"] = {**_kept(set(tables) - set(snapshot["tables"])), **snapshot["tables"]}
    snapshot["until"] = _uptime() + seconds
    everything = "".join(_table_back(name, listing) for name, (_, listing) in snapshot["tables"].items())
    checked = subprocess.run(["nft", "-c", "-f", "-"], input=everything, capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        return f"the way back does not work, so nothing is changed: {checked.stderr.strip()}"
    if run("python3", PROGRAM, "told", "") != "\n":
        return f"the way back does not work, so nothing is changed: {PROGRAM} is not as the base of the host has it"
    _write(SNAPSHOT, snapshot)
    _set_timer(seconds)
    if run("systemctl", "is-active", TIMER).strip() != "active":
        return f"the way back cannot be armed: {TIMER} does not start"
    return ""


def is_unconfirmed(run_id: str) -> bool:
    """Whether another run changed something that it did not confirm, so far."""
    snapshot = _read(SNAPSHOT)
    return snapshot is not None and snapshot["run"] != run_id


def put_unconfirmed_back(run_id: str) -> None:
    """Put back what another run changed and did not confirm. The caller holds the lock."""
    snapshot = _read(SNAPSHOT)
    if snapshot is not None and snapshot["run"] != run_id:
        _put_back(snapshot)


def confirm(run_id: str) -> str:
    """Somebody logged in anew: what was changed stays. Says what was put back instead, else nothing."""
    with _Lock():
        snapshot = _read(SNAPSHOT)
        if snapshot is not None and snapshot["run"] == run_id:
            _disarm()
            return ""
    return told(run_id)


def now(run_id: str) -> str:
    """Put back what this run changed, without waiting for the timer, and say so."""
    with _Lock():
        snapshot = _read(SNAPSHOT)
        if snapshot is not None and snapshot["run"] == run_id:
            _put_back(snapshot)
    return told(run_id)


def restore() -> None:
    """What the timer and the boot run. A change that goes on has set the timer anew."""
    with _Lock():
        snapshot = _read(SNAPSHOT)
        if snapshot is not None and (snapshot["boot"] != _boot() or _uptime() >= snapshot["until"] - 1):
            _put_back(snapshot)
            print(told(snapshot["run"]))


def told(run_id: str) -> str:
    """What was put back of a run, in words."""
    outcome = _read(OUTCOME)
    if outcome is None or outcome["run"] != run_id:
        return ""
    left = f"; it could not put back {', '.join(outcome['left'])}" if outcome["left"] else ""
    return f"the host put itself back at {outcome['at']}: {', '.join(outcome['did']) or 'nothing had changed'}{left}"


class _Lock:
    """Nobody changes this host meanwhile (flock(2))."""

    def __enter__(self) -> None:
        os.makedirs(os.path.dirname(APPLYING), mode=0o700, exist_ok=True)
        self.descriptor = os.open(APPLYING, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_error: object) -> None:
        os.close(self.descriptor)


def _state(tables: Iterable[str]) -> dict[str, Any]:
    return {
        "files": {path: _content(path) for path in _files()},
        "tables": _kept({*_our_tables(must=True), *tables}),
        "links": _links(must=True),
        "ours": sorted(_link_names()),
        "forwarding": _content(FORWARDING)[0],
    }


def _files() -> list[str]:
    """The files of ours that say what network and rules are, and the records of their units."""
    marked = [path for pattern in MARKED for path in glob.glob(pattern) if os.path.isfile(path) and _content(path)[0].startswith(FILE_MARK)]
    return sorted([*marked, *(path for pattern in RECORDS for path in glob.glob(pattern))])


def _content(path: str) -> list[Any]:
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return [stream.read(), os.fstat(stream.fileno()).st_mode & 0o777]


def _all_tables(must: bool = False) -> dict[str, str]:
    """The comments of all tables, by `family/name`."""
    listed = json.loads(run("nft", "-j", "list", "tables", must=must) or '{"nftables": []}')["nftables"]
    tables = [entry["table"] for entry in listed if "table" in entry]
    return {f"{one['family']}/{one['name']}": str(one.get("comment", "")) for one in tables}


def _our_tables(must: bool = False) -> list[str]:
    return [name for name, comment in _all_tables(must).items() if comment.startswith(TABLE_MARK)]


def _listings(names: Iterable[str]) -> dict[str, list[str]]:
    """Each table as its rules say, and with counters and elements; two empty texts where there is none."""
    return {name: [run("nft", "-s", "list", "table", *name.split("/")), run("nft", "list", "table", *name.split("/"))] for name in names}


def _kept(names: Iterable[str]) -> dict[str, list[str]]:
    """Listings to go back to. Raises OSError where a table that is there is not listed: it would be taken for a new one."""
    listings = _listings(names)
    there = _all_tables(must=True) if listings else {}
    if lost := [name for name, listing in listings.items() if name in there and not all(listing)]:
        raise OSError(f"nft does not list {', '.join(lost)}")
    return listings


def _rules_back(snapshot: Snapshot) -> dict[str, str]:
    """What nft(8) is told to make each table again what it was, by name; nothing for those that did not change."""
    was = snapshot["tables"]
    names = sorted({*was, *_our_tables()})
    changed = [name for name in names if _listings([name])[name][0] != was.get(name, [""])[0]]
    return {name: _table_back(name, was.get(name, ["", ""])[1]) for name in changed}


def _put_rules_back(snapshot: Snapshot) -> list[str]:
    """In one transaction, or table by table where one of them keeps the others back; says which it tried."""
    tables = _rules_back(snapshot)
    run("nft", "-f", "-", stdin="".join(tables.values()))
    for text in _rules_back(snapshot).values():
        run("nft", "-f", "-", stdin=text)
    return list(tables)


def _table_back(name: str, listing: str) -> str:
    table = "table " + name.replace("/", " ")
    return f"{table}\ndelete {table}\n{listing}"


def _link_names() -> set[str]:
    """The links that files of ours make, or have as ports."""
    texts = [_content(path)[0] for path in _files() if path.endswith((".netdev", ".network"))]
    return {line.split("=", 1)[1] for text in texts for line in text.splitlines() if line.startswith("Name=")}


def _links(must: bool = False) -> dict[str, Any]:
    """What can differ of each link: kind, bridge, parent, VLAN, state, MTU, addresses, and the VLANs that it carries."""
    vlans = {entry["ifname"]: entry.get("vlans", []) for entry in json.loads(run("bridge", "-j", "vlan", "show", must=must) or "[]")}
    found = {}
    for link in json.loads(run("ip", "-j", "-d", "address", "show", must=must) or "[]"):
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


def _put_back(snapshot: Snapshot) -> None:
    ours = {*snapshot["ours"], *_link_names()}
    did = _put_files_back(snapshot["files"])
    left: list[str] = []
    if snapshot["boot"] == _boot():
        did += [f"table {name.replace('/', ' ')}" for name in _put_rules_back(snapshot)]
        did += _put_links_back(snapshot, ours, left)
        # Rules may name a link, and go with it.
        _put_rules_back(snapshot)
        if _rules_back(snapshot):
            left.append("the rules")
        with open(FORWARDING, "w", encoding="utf-8") as stream:
            stream.write(snapshot["forwarding"])
    at = time.strftime("%H:%M:%S UTC", time.gmtime())
    _write(OUTCOME, {"run": snapshot["run"], "at": at, "did": did, "left": left})
    _disarm()


def _put_files_back(files: dict[str, Any]) -> list[str]:
    did = []
    for scratch in (path for folder in SCRATCH for path in glob.glob(f"{folder}.homelab-*")):
        os.unlink(scratch)
    for path in sorted({*_files(), *files}):
        if path not in files:
            os.unlink(path)
        elif not os.path.exists(path) or _content(path) != files[path]:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _replace(path, *files[path])
        else:
            continue
        did.append(path)
    return [path for path in did if not path.startswith("/var/lib/homelab/")]


def _put_links_back(snapshot: Snapshot, ours: set[str], left: list[str]) -> list[str]:
    """Give networkd its files again and wait; what it does not do by itself is done by ip(8)."""
    was = snapshot["links"]
    changed = _changed_links(was, ours)
    for name in changed:
        _free(name, was.get(name))
    for path in glob.glob("/etc/systemd/network/*.netdev"):
        # networkd makes a link only of a .netdev that is newer than what it has read.
        if path in snapshot["files"] and changed:
            os.utime(path)
    run("networkctl", "reload")
    end = time.monotonic() + PATIENCE_SECONDS
    asked = not changed
    while (still := _changed_links(was, ours)) and time.monotonic() < end:
        if not asked and time.monotonic() > end - PATIENCE_SECONDS + 3:
            asked = True
            for name in still:
                run("networkctl", "reconfigure", name)
        time.sleep(0.5)
    left += still
    return [f"link {name}" for name in changed]


def _changed_links(was: dict[str, Any], ours: set[str]) -> list[str]:
    links = _links()
    return sorted(name for name in ours if links.get(name) != was.get(name))


def _free(name: str, was: dict[str, Any] | None) -> None:
    """Take a link out of what a change made of it."""
    link = _links().get(name)
    if link is None:
        return
    if was is None or any(was[key] != link[key] for key in ("kind", "parent", "id")):
        if link["kind"] in ("bridge", "vlan"):
            run("ip", "link", "delete", "dev", name)
        return
    if link["bridge"] != was["bridge"]:
        _set_bridge(name, was["bridge"])
    if link["master"] != was["master"]:
        run("ip", "link", "set", "dev", name, *(["master", was["master"]] if was["master"] else ["nomaster"]))
    run("ip", "link", "set", "dev", name, "up" if was["up"] else "down", "mtu", str(was["mtu"]))


def _set_bridge(name: str, wanted: dict[str, Any]) -> None:
    """The default VLAN cannot change while filtering is on."""
    options = [("vlan_filtering", 0), *((key, wanted[key]) for key in ("vlan_default_pvid", "stp_state", "vlan_filtering"))]
    for key, value in options:
        if value is not None:
            run("ip", "link", "set", "dev", name, "type", "bridge", key, str(value))


def _set_timer(seconds: int) -> None:
    run("systemctl", "stop", TIMER)
    run("systemd-run", f"--on-active={seconds}", "--timer-property=AccuracySec=100ms", f"--unit={SERVICE}")


def _disarm() -> None:
    # A reset may have left one that was being written.
    for path in (SNAPSHOT, f"{SNAPSHOT}.new"):
        if os.path.exists(path):
            os.unlink(path)
    # What is confirmed outlives a power cut.
    _flush(FOLDER)
    run("systemctl", "stop", TIMER)


def _read(path: str) -> Snapshot | None:
    try:
        found = json.loads(_content(path)[0])
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: str, what: dict[str, Any]) -> None:
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    _replace(path, json.dumps(what), 0o600)


def _replace(path: str, text: str, mode: int) -> None:
    scratch = f"{path}.new"
    with open(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8", errors="surrogateescape") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(scratch, path)
    _flush(os.path.dirname(path))


def _flush(folder: str) -> None:
    """Bring a folder's names to the disk, fsync(2)."""
    if os.path.isdir(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _boot() -> str:
    return str(_content("/proc/sys/kernel/random/boot_id")[0]).strip()


def _uptime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def main(argv: list[str]) -> int:
    """Ends with 3 when something was put back, which it prints."""
    if argv[1:] == ["restore"]:
        restore()
        return 0
    said = {"confirm": confirm, "now": now, "told": told}[argv[1]](argv[2])
    print(said)
    return 3 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
