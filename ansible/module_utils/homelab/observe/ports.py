"""Listeners on a host's ports (ss(8)). A unit that publishes a port in use is rejected before its service fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import system

# All addresses: of both kinds, of IPv4, of IPv6.
ANY = {"", "*", "0.0.0.0", "::"}


@dataclass(frozen=True)
class Listener:
    """A socket: its protocol, its address without an interface, its port, and who has it."""

    protocol: str
    address: str
    port: int
    program: str
    pid: int


def listeners() -> list[Listener]:
    """Return all listeners on TCP and UDP, as root sees them."""
    return parsed(system.run(["ss", "-Hltunp"], check=False).stdout)


def parsed(listing: str) -> list[Listener]:
    """ss's lines, `<protocol> <state> <queues> <address>:<port> <peer> users:(("<program>",pid=<pid>,fd=<fd>))`."""
    found = []
    for line in listing.splitlines():
        match = re.match(r"(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S*):(\d+)\s", line)
        if match:
            user = re.search(r'users:\(\("([^"]*)",pid=(\d+)', line)
            address = match[2].split("%")[0].strip("[]")
            found.append(Listener(match[1], address, int(match[3]), user[1] if user else "", int(user[2]) if user else 0))
    return found


def taken(ports: Iterable[dict[str, Any]], others: Sequence[Listener]) -> list[str]:
    """Return a unit's ports (quadlet.ports) that are in use by others, with the process."""
    found = []
    for port in ports:
        for number in numbers(port["host_port"]):
            for one in others:
                if (one.protocol, one.port) == (port["protocol"], number) and _meet(port["host_ip"], one.address):
                    who = f" by {one.program} (pid {one.pid})" if one.pid else ""
                    found.append(f"port {number}/{one.protocol} is taken{who}; publish another one, or stop that")
    return list(dict.fromkeys(found))


def shared(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The ports, as `<number>/<protocol>`, that two published ones (quadlet.ports) both want on one address."""
    if one["protocol"] != other["protocol"] or not _meet(one["host_ip"], other["host_ip"]):
        return []
    both = sorted({*numbers(one["host_port"])} & {*numbers(other["host_port"])})
    return [f"{number}/{one['protocol']}" for number in both]


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


def uid_of(pid: int) -> int | None:
    """Return the uid of a process (proc_pid(5)); None when it is gone."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except FileNotFoundError:
        return None


def services_of(pid: int) -> set[str]:
    """The services in whose cgroup a process is (cgroups(7))."""
    text = system.read_text(f"/proc/{pid}/cgroup") or ""
    return {part for part in text.strip().split("/") if part.endswith(".service")}
