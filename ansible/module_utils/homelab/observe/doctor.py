"""Reads what a host brings along before anything is applied to it, for `npm run doctor`. It judges nothing and changes nothing.

A unit is {packages, homes, pools}: the `homelab_host` whose packages are looked for, and folders whose space counts.
"""

from __future__ import annotations

import glob
import grp
import json
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..core import system
from ..core.disk_space import left_in, nearest
from ..core.observer import Observation, Resource
from ..core.sizes import MIB
from . import host, libvirt_host, networkd
from .service_user import subordinates
from .whole_host import WholeHost

Facts = dict[str, Any]

MODULES = ["bridge", "8021q", "nf_tables", "overlay"]
TIME_SERVICES = ["systemd-timesyncd", "chrony", "ntpsec", "openntpd"]
RESOLVED_NAME = "deb.debian.org"


class Doctor(WholeHost):
    """Reads what `npm run doctor` judges."""

    kind = "doctor"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return [Observation("host", present=True, facts=facts(resource)) for resource in resources]

    def faults(self, resource: Resource) -> list[str]:
        return faults(resource)


def faults(resource: Resource) -> list[str]:
    """Return what is wrong with a question: its values become words of commands."""
    base = host.observer
    paths = [*resource["homes"], *resource["pools"]]
    bad = [path for path in paths if not isinstance(path, str) or not path.startswith("/") or "\0" in path]
    wanted = {key: value for key, value in resource["packages"].items() if key in base.schema["properties"]}
    return [*(f"{path!r:.80} is no absolute path" for path in bad), *base.errors(base.normalise(wanted, {}))]


def facts(resource: Resource) -> Facts:
    """All facts by topic. One that cannot be read is {"error": why}, and costs no other."""
    topics: dict[str, Callable[[], Any]] = {
        "time": time.time,
        "system": operating_system,
        "network": network,
        "kernel": kernel,
        "guests": lambda: guests(resource["pools"]),
        "subids": lambda: {name: subordinates(f"/etc/{name}") for name in ("subuid", "subgid")},
        "clock": clock,
        "disk": lambda: disk(["/", "/var", *resource["homes"]]),
        "resolver": resolver,
        "apt": lambda: {**apt(), "missing": host.missing_packages(host.packages_of(resource["packages"]))},
    }
    found = {}
    for name, read in topics.items():
        try:
            found[name] = read()
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {error}"}
    return found


def operating_system() -> Facts:
    """os-release(5)."""
    release = platform.freedesktop_os_release()
    return {"id": release["ID"], "version": release.get("VERSION_ID"), "name": release.get("PRETTY_NAME", release["ID"])}


def network() -> Facts:
    """Whether networkd runs, for each link what manages it, and the links by which this host is reached."""
    of_networkd = networkd_links()
    managers: dict[str, list[str]] = {link: [] for link in sorted(os.listdir("/sys/class/net")) if link != "lo"}
    by = {
        "networkd": [link for link, file in of_networkd.items() if "-netplan-" not in file],
        "netplan": [link for link, file in of_networkd.items() if "-netplan-" in file],
        "ifupdown": ifupdown_links() if system.installed("ifup") else [],
        "NetworkManager": network_manager_links(),
    }
    for manager, links in by.items():
        for link in links:
            managers.setdefault(link, []).append(manager)
    return {
        "networkd": is_active("systemd-networkd"),
        "NetworkManager": is_active("NetworkManager"),
        "links": managers,
        "reached_by": sorted(networkd.links_that_reach(networkd.read_links())),
    }


def is_active(service: str) -> bool:
    """Whether a service runs."""
    return system.run(["systemctl", "is-active", service], check=False).stdout.strip() == "active"


def networkd_links() -> dict[str, str]:
    """Return the links that networkd manages, with the file that configures each (networkctl(1)); netplan's are in /run."""
    if not is_active("systemd-networkd"):
        return {}
    listing = json.loads(system.run(["networkctl", "--json=short", "list"]).stdout)
    managed = [
        link for link in listing["Interfaces"] if link.get("AdministrativeState") not in (None, "unmanaged") and link.get("NetworkFile")
    ]
    return {link["Name"]: link["NetworkFile"] for link in managed}


def ifupdown_links(folder: str = "/etc/network") -> list[str]:
    """The links that interfaces(5) has a stanza for."""
    texts = [system.read_text(path) or "" for path in [f"{folder}/interfaces", *sorted(glob.glob(f"{folder}/interfaces.d/*"))]]
    names = re.findall(r"^\s*iface\s+(\S+)", "\n".join(texts), re.MULTILINE)
    return [name for name in dict.fromkeys(names) if name != "lo"]


def network_manager_links() -> list[str]:
    """The links that NetworkManager manages (nmcli(1)); of one that another made it only tells."""
    if not is_active("NetworkManager") or not system.installed("nmcli"):
        return []
    lines = system.run(["nmcli", "-t", "-f", "DEVICE,STATE", "device"]).stdout.splitlines()
    states = [line.rsplit(":", 1) for line in lines if ":" in line]
    return [name for name, state in states if name != "lo" and state != "unmanaged" and "externally" not in state]


def kernel() -> Facts:
    """Return which kernel features for containers, bridges and rules are present; None where that is unknown."""
    release = os.uname().release
    config = system.read_text(f"/boot/config-{release}")
    controllers = system.read_text("/sys/fs/cgroup/cgroup.controllers")
    return {
        "release": release,
        "has_modules": os.path.isdir(f"/lib/modules/{release}"),
        "modules": {name: has_module(name) for name in MODULES},
        "vlan_filtering": None if config is None else "CONFIG_BRIDGE_VLAN_FILTERING=y" in config,
        "user_namespaces": number("/proc/sys/user/max_user_namespaces"),
        "unprivileged_userns_clone": number("/proc/sys/kernel/unprivileged_userns_clone"),
        "cgroup_controllers": None if controllers is None else controllers.split(),
    }


def has_module(name: str) -> bool:
    """Whether a module is loaded, built in, or could be loaded; none is."""
    if os.path.isdir(f"/sys/module/{name}") or f"\t{name}\n" in (system.read_text("/proc/filesystems") or ""):
        return True
    return system.installed("modprobe") and system.run(["modprobe", "--dry-run", "--quiet", name], check=False).returncode == 0


def number(path: str) -> int | None:
    """A setting of the kernel; None when this kernel has none of that name."""
    text = system.read_text(path)
    return int(text) if text else None


def guests(pools: Sequence[str]) -> Facts:
    """Whether guests can use the processor itself, and how much memory and disk there is for them, in MiB."""
    flags = re.search(r"^flags\s*:.*\b(vmx|svm)\b", system.read_text("/proc/cpuinfo") or "", re.MULTILINE)
    device = Path("/dev/kvm").stat() if os.path.exists("/dev/kvm") else None
    return {
        "device": device is not None,
        "mode": device.st_mode & 0o777 if device else 0,
        "group": group_name(device.st_gid) if device else None,
        "flag": flags[1] if flags else None,
        "memory": libvirt_host.memory(),
        "pools": {path: size_below(path) for path in pools},
    }


def group_name(gid: int) -> str:
    """The name of a group; its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def size_below(path: str) -> int:
    """The size of the file system that a folder lies on, or would, in MiB."""
    space = os.statvfs(nearest(path))
    return space.f_blocks * space.f_frsize // MIB


def clock() -> Facts:
    """Whether the clock follows others (timedatectl(1)), and by which service."""
    output = system.run(["timedatectl", "show", "-p", "NTPSynchronized", "--value"], check=False).stdout.strip()
    states = system.run(["systemctl", "is-active", *TIME_SERVICES], check=False).stdout.split()
    running = [name for name, state in zip(TIME_SERVICES, states, strict=False) if state == "active"]
    return {"synchronized": output == "yes", "service": running[0] if running else None}


def disk(paths: Sequence[str]) -> list[Facts]:
    """Free space in MiB, for each file system once; a folder that is not there yet counts where it would be."""
    found: dict[int, Facts] = {}
    for path in dict.fromkeys(paths):
        there = nearest(path)
        found.setdefault(os.stat(there).st_dev, {"path": path, "free": left_in(there) // MIB})
    return list(found.values())


def resolver() -> Facts:
    """The name servers of resolv.conf(5), and whether a name is found at all."""
    servers = re.findall(r"^\s*nameserver\s+(\S+)", system.read_text("/etc/resolv.conf") or "", re.MULTILINE)
    try:
        found = system.run(["getent", "hosts", RESOLVED_NAME], check=False, timeout=15).returncode == 0
    except system.CommandError:
        found = False
    return {"servers": servers, "name": RESOLVED_NAME, "found": found}


def apt() -> Facts:
    """Whether apt knows where packages are, and whether dpkg(1) has something half done."""
    lists = glob.glob("/var/lib/apt/lists/*_Packages*")
    ages = [time.time() - os.stat(path).st_mtime for path in lists]
    audit = system.run(["dpkg", "--audit"], check=False).stdout.strip()
    return {"lists": len(lists), "age_days": int(min(ages) / 86400) if ages else None, "half_done": audit}


observer = Doctor()
