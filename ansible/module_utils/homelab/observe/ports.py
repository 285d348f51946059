"""Listeners on a host's ports (ss(8)). A unit that publishes a port in use is rejected before its service fails."""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core import system

# All addresses: of both kinds, of IPv4, of IPv6.
ANY = {"", "*", "0.0.0.0", "::"}


@dataclass(frozen=True)
class Listener:
    """A socket: its protocol, its address without an interface, its port, its uid, and the cgroup in which it was made."""

    protocol: str
    address: str
    port: int
    uid: int
    cgroup: str = ""

    @property
    def system_service(self) -> str:
        """The service of the system that has it, else ''. What a user calls its own cgroups proves nothing (cgroups(7))."""
        last = self.cgroup.rsplit("/", 1)[-1]
        return last if last.endswith(".service") and not self.cgroup.startswith("/user.slice/") else ""

    @property
    def who(self) -> str:
        """The user and the last part of the cgroup, in words."""
        try:
            name = pwd.getpwuid(self.uid).pw_name
        except KeyError:
            name = str(self.uid)
        part = self.cgroup.rsplit("/", 1)[-1]
        return f"user {name}{f' ({part})' if part else ''}"


def listeners() -> list[Listener]:
    """Return all listeners on TCP and UDP."""
    return parsed(system.run(["ss", "-Hltune"], check=False).stdout)


def parsed(listing: str) -> list[Listener]:
    """Return what ss lists as `<protocol> <state> <queues> <address>:<port> <peer> [uid:<uid>] … cgroup:<path> …`.

    It is not asked for processes (-p): a process may call itself anything, a whole line of such a list included.
    """
    found = []
    for line in listing.splitlines():
        match = re.match(r"(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S*):(\d+)\s", line)
        if match:
            uid, cgroup = re.search(r"\suid:(\d+)", line), re.search(r"\scgroup:(/.*?)(?= v6only:| <->|\s*$)", line)
            address = match[2].split("%")[0].strip("[]")
            found.append(Listener(match[1], address, int(match[3]), int(uid[1]) if uid else 0, cgroup[1] if cgroup else ""))
    return found


def taken(ports: Iterable[dict[str, Any]], others: Sequence[Listener]) -> list[str]:
    """Return a unit's ports (quadlet.ports) that are in use by others, and by whom."""
    found = [
        f"port {one.port}/{one.protocol} is taken by {one.who}; publish another one, or stop that"
        for port in ports
        for one in others
        if one.port in numbers(port["host_port"]) and one.protocol == port["protocol"] and _meet(port["host_ip"], one.address)
    ]
    return list(dict.fromkeys(found))


def shared(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the port or the ports, as `<number>[-<number>]/<protocol>`, that two published ones (quadlet.ports) both want; else ''."""
    mine, theirs = numbers(one["host_port"]), numbers(other["host_port"])
    first, last = max(mine.start, theirs.start), min(mine.stop, theirs.stop) - 1
    if one["protocol"] != other["protocol"] or not mine or not theirs or first > last or not _meet(one["host_ip"], other["host_ip"]):
        return ""
    return f"{first}{f'-{last}' if last > first else ''}/{one['protocol']}"


def numbers(port: str | int) -> range:
    """The port numbers of a port, or of a range of them; none where Podman chooses one."""
    first, _, last = str(port).partition("-")
    return range(int(first), int(last or first) + 1) if first else range(0)


def _meet(wanted: str, has: str) -> bool:
    one, other = wanted.strip("[]"), has.strip("[]")
    families = {_family(one), _family(other)} - {None}
    return len(families) < 2 and (one in ANY or other in ANY or one == other)


def _family(address: str) -> int | None:
    """4 or 6, or None for both."""
    return None if address in ("", "*") else 6 if ":" in address else 4
