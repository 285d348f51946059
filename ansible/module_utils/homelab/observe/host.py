"""Observes the base that every other kind stands on: packages, networkd, wait-online, the boot of rules, forwarding.

A unit is {podman, hypervisor, forwarding, packages}; there is one per host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core import ownership, records, system
from ..core.observer import Observation, Observer, Resource
from ..core.rollback import kernel_links, program, restore, state, store

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
UNITS = Path("/etc/systemd/system")
OURS = [RULES_SERVICE, store.SERVICE]
NETWORKD = ["systemd-networkd.service", "systemd-networkd-wait-online.service"]
ENABLED = [*NETWORKD, *OURS]
ONLINE_WANTED = Path("/etc/systemd/system/multi-user.target.wants/network-online.target")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")

# Debian's own nftables.service flushes everything when it starts, reloads and stops; so ours follows it.
# Rules are there before the network, and forwarding goes on after them (systemd.special(7), network-pre.target).
# A table that does not load, since a device of it is missing, costs no other table.
RULES_UNIT = """\
[Unit]
Description=nftables tables of this host's configuration, then forwarding
Documentation=man:nft(8)
DefaultDependencies=no
Wants=network-pre.target
After=nftables.service systemd-modules-load.service systemd-sysctl.service local-fs.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
PartOf=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/homelab/load-tables
ExecReload=/bin/sh /etc/homelab/load-tables
"""
FORWARD_ON = "ExecStart=/bin/sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'\n"
FORWARD_OFF = "ExecStop=/bin/sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'\n"
LOAD_TABLES = """\
# Loads each table by itself; ends with 1 when one of them does not load.
status=0
for file in /etc/homelab/nftables/*/*.nft; do
    [ ! -e "$file" ] || /usr/sbin/nft -f "$file" || status=1
done
exit $status
"""
# Debian's service, started or reloaded while ours is active, would leave the host without our tables.
ROLLBACK_UNIT = """\
[Unit]
Description=Rollback of a change of network or rules that no new login confirmed
DefaultDependencies=no
RequiresMountsFor=/etc /var/lib/homelab
After=local-fs.target
Before=network-pre.target systemd-networkd.service nftables.service homelab-nftables.service shutdown.target
Conflicts=shutdown.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I /etc/homelab/rollback restore
Restart=on-failure
RestartSec=10
TimeoutStartSec=600
"""
ROLLBACK_PROGRAM = """\
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/etc/homelab/lib")

from homelab_rollback import program

sys.exit(program.main(sys.argv))
"""
FOLLOW_NFTABLES = """\
[Service]
ExecStartPost=-/bin/sh /etc/homelab/load-tables
ExecReload=-/bin/sh /etc/homelab/load-tables
"""
INSTALL = "\n[Install]\nWantedBy=sysinit.target\n"
# Rootless Podman waits for network-online.target. One link that is up is enough: a bridge may have no carrier.
WAIT_ANY = "[Service]\nExecStart=\nExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any\n"
# Where ifupdown or another brings the host online, networkd would wait for nothing, two minutes long.
WAIT_FOR_NOTHING = "[Service]\nExecStart=\nExecStart=/usr/bin/true\n"


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
    }


def rollback_files(owner: str) -> dict[Path, str]:
    """Return the files of the rollback, by path: its service, its program, and the modules that this runs."""
    mark = ownership.line(owner, "host", "host") + "\n"
    modules = {"store": store, "state": state, "kernel_links": kernel_links, "restore": restore, "program": program}
    return {
        UNITS / store.SERVICE: mark + ROLLBACK_UNIT + INSTALL,
        Path(store.LIBRARY, "__init__.py"): mark,
        **{Path(store.LIBRARY, f"{name}.py"): mark + source_of(module) for name, module in modules.items()},
        Path(store.PROGRAM): mark + ROLLBACK_PROGRAM,
    }


def source_of(module: ModuleType) -> str:
    """A module's text, wherever it was loaded from: a file, Ansible's archive, or what observe.py was sent."""
    loader: Any = module.__loader__
    return str(loader.get_source(module.__name__))


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
