"""Observes the base that every other kind stands on: packages, networkd, wait-online, the boot of rules, forwarding.

A unit is {podman, hypervisor, forwarding, packages}; there is one per host.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..core import ownership, records, system
from ..core.observer import Observation, Observer, Resource
from ..core.rollback import store
from . import reader
from .base_files import (
    FOLLOW_NFTABLES,
    FORWARD_OFF,
    FORWARD_ON,
    INSTALL,
    LOAD_TABLES,
    RULES_UNIT,
    UNITS,
    WAIT_ANY,
    WAIT_FOR_NOTHING,
    checks_file,
    rollback_files,
)

BASE = ["nftables", "iproute2"]
PODMAN = [
    "podman", "uidmap", "passt", "crun", "netavark", "aardvark-dns", "catatonit", "dbus-user-session",
    "systemd-container",
]  # fmt: skip
HYPERVISOR = ["libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "python3-libvirt", "genisoimage"]

# As root, apt would rewrite its caches where they are old.
NO_CACHES = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]

# A record of a kind of its own.
BEFORE = "host-before"
RULES_SERVICE = "homelab-nftables.service"
OURS = [RULES_SERVICE, store.SERVICE]
NETWORKD = ["systemd-networkd.service", "systemd-networkd-wait-online.service"]
ENABLED = [*NETWORKD, *OURS]
ONLINE_WANTED = Path("/etc/systemd/system/multi-user.target.wants/network-online.target")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Host(Observer):
    """Reads packages, files, units and forwarding."""

    kind = "host"

    def name_of(self, unit: Resource) -> str:
        return "host"

    def observe(self, units: Sequence[Resource], owner: str) -> list[Observation]:
        return [self._observe(unit, owner) for unit in units]

    def _observe(self, unit: Resource, owner: str) -> Observation:
        files = files_of(unit, owner)
        rules_file = system.read_text(next(iter(files)))
        seen = Observation("host", present=rules_file is not None, owner=ownership.read(rules_file).get("owner"))
        absent = missing_packages(packages_of(unit))
        if absent:
            seen.differences.append(f"packages missing: {' '.join(absent)}")
        diffs = [system.text_diff(str(path), system.read_text(path), text) for path, text in files.items()]
        seen.differences += [diff for diff in diffs if diff]
        if Path(store.CHECKS) not in files and os.path.exists(store.CHECKS):
            seen.differences.append(f"{store.CHECKS} is there, but not wanted")
        seen.differences += reader.differences(unit.get("readers", []), owner)
        seen.differences += [f"{name} is {state}, wanted enabled" for name, state in not_enabled().items()]
        if not ONLINE_WANTED.is_symlink():
            seen.differences.append("network-online.target is wanted by nothing, so rootless services wait 90 s")
        seen.differences += [f"{name} is {state}, wanted active" for name, state in not_active().items()]
        if unit["forwarding"] and not forwarding_is_on():
            seen.differences.append("IPv4 forwarding is off, wanted on")
        return seen

    def warnings(self, units: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        unknown = [name for unit in units for name in unknown_to_apt(missing_packages(packages_of(unit)))]
        warning = f"apt knows no package {', '.join(unknown)} so far; it gets newer lists before it gives up"
        return {"host": [warning]} if unknown else {}

    def found(self) -> dict[str, str | None]:
        mark = ownership.read(system.read_text(UNITS / RULES_SERVICE)).get("owner")
        return {"host": mark} if mark else {}


def packages_of(unit: Resource) -> list[str]:
    """The Debian packages that a host needs."""
    wanted = [*BASE, *unit["packages"]]
    wanted += PODMAN if unit["podman"] else []
    wanted += HYPERVISOR if unit["hypervisor"] else []
    wanted += ["sudo"] if unit.get("readers") else []
    return sorted(set(wanted))


def files_of(unit: Resource, owner: str) -> dict[Path, str]:
    """Return the files of the base, by path; the first one names the owner."""
    mark = ownership.line(owner, "host", "host") + "\n"
    rules = RULES_UNIT
    if unit["forwarding"]:
        # Forwarding that was on before homelab stays on when the rules are stopped.
        rules += FORWARD_ON + ("" if before(owner)["forwarding"] else FORWARD_OFF)
    return {
        UNITS / RULES_SERVICE: mark + rules + INSTALL,
        UNITS / "systemd-networkd-wait-online.service.d/homelab.conf": mark + (WAIT_ANY if networkd_has_uplink() else WAIT_FOR_NOTHING),
        UNITS / "nftables.service.d/homelab.conf": mark + FOLLOW_NFTABLES,
        Path("/etc/homelab/load-tables"): mark + LOAD_TABLES,
        **rollback_files(owner),
        **checks_file(unit.get("confirm", []), owner),
    }


def before(owner: str) -> records.Record:
    """How the host was before us, so that removal can leave it so."""
    found = records.read(owner, BEFORE, "host")
    return found or {"forwarding": False, "enabled": {}, "online_wanted": False}


def networkd_has_uplink() -> bool:
    """Whether networkd itself brings the host online: it manages a link that has to be up for that (networkctl(1))."""
    listing = system.run(["networkctl", "--json=short", "list"], check=False).stdout
    return any(link.get("RequiredForOnline") for link in json.loads(listing or "{}").get("Interfaces", []))


def missing_packages(wanted: Sequence[str]) -> list[str]:
    """Return the packages that are not installed (dpkg-query(1))."""
    listing = system.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted], check=False).stdout
    there = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in there]


def unknown_to_apt(packages: Sequence[str]) -> list[str]:
    """Return the packages of which apt's lists have no version (apt-cache(8))."""
    if not packages:
        return []
    listing = system.run(["apt-cache", *NO_CACHES, "policy", *packages], check=False).stdout
    offered = re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))", listing, re.MULTILINE)
    return [name for name in packages if name not in offered]


def removed_by_installing(packages: Sequence[str]) -> list[str]:
    """Return the packages that would go with the installation of others (apt-get(8), --simulate)."""
    if not packages:
        return []
    quietly = ["--simulate", "--no-install-recommends", "-o", "Debug::NoLocking=1", *NO_CACHES]
    plan = system.run(["apt-get", "install", *quietly, *packages], check=False).stdout
    return re.findall(r"^Remv (\S+)", plan, re.MULTILINE)


def not_enabled() -> dict[str, str]:
    """Return the units of the base that would not start at boot, with their state."""
    done = system.run(["systemctl", "is-enabled", *ENABLED], check=False)
    states = done.stdout.split()
    if len(states) != len(ENABLED):
        # A unit without a file has no line on some versions: ask one by one.
        states = [system.run(["systemctl", "is-enabled", n], check=False).stdout.strip() or "missing" for n in ENABLED]
    return {n: state for n, state in zip(ENABLED, states, strict=True) if state not in ("enabled", "enabled-runtime")}


def not_active() -> dict[str, str]:
    """Return the units of the base that do not run now. Whether tables are loaded is up to their own kind."""
    names = ["systemd-networkd.service", "network-online.target"]
    states = system.run(["systemctl", "is-active", *names], check=False).stdout.split()
    return {name: state for name, state in zip(names, states, strict=True) if state != "active"}


def forwarding_is_on() -> bool:
    """Whether the kernel forwards IPv4 between interfaces."""
    return FORWARDING.read_text().strip() == "1"


observer = Host()
