"""How a writer starts, stops and changes domains that run. What a guest has to do is waited for, within limits."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...core import system
from ...core.observer import Resource
from ...observe import libvirt_host
from ...observe.domain import definition
from ...observe.domain.live import DETACH, TEXT, Step
from ...observe.domain.observer import STATES, live_steps, present
from . import agent
from .console import last_lines, readable

PATIENCE_SECONDS = 15
# Between two looks at a guest that is not ready.
LOOK_SECONDS = 1
# Of the reasons that a guest reports.
MOST_CHARACTERS = 2000


def start(domain: Any, resource: Resource) -> None:
    """Start a domain and wait until it is ready. Raises libvirtError, or TimeoutError with the console's last lines."""
    for address in addresses_of(resource):
        # Leases of an earlier run prove nothing.
        system.run(["ip", "neigh", "flush", "to", address], check=False)
    domain.create()
    wait_until_ready(domain, resource)
    # The balloon of a guest that has answered may still be filling.
    _wait(lambda: not live_steps(domain), PATIENCE_SECONDS)


def wait_until_ready(domain: Any, resource: Resource) -> None:
    """Wait until a guest shows all signs of being ready. Raises TimeoutError with the console's last lines."""
    end = time.monotonic() + resource["ready_timeout"]
    looks = signs(domain, resource, end)
    while missing := [what + reason for what, look in looks if (reason := absent(look)) is not None]:
        if not domain.isActive():
            raise TimeoutError(f"it went off again without {', '.join(missing)}; {last_lines(domain)}")
        # A look after the end would hide what the last one saw.
        if time.monotonic() + LOOK_SECONDS > end:
            raise TimeoutError(
                f"it runs, but after {resource['ready_timeout']} s there is no {', no '.join(missing)}; {last_lines(domain)}"
            )
        time.sleep(LOOK_SECONDS)


def addresses_of(resource: Resource) -> dict[str, str]:
    """The MAC address behind each address that is a domain's own."""
    return {one["address"]: one["mac"] for one in resource["interfaces"] if "address" in one}


def absent(look: Callable[[], bool]) -> str | None:
    """Return None for a sign that is there, else the reason where a guest's answer is one."""
    try:
        return None if look() else ""
    except agent.InvalidAnswer as reason:
        return f" ({readable(str(reason))})"


def signs(domain: Any, resource: Resource, end: float) -> list[tuple[str, Callable[[], bool]]]:
    """By what a guest is known to be ready, in words and as a look at it; nothing is asked of the guest's agent after `end`."""
    addresses = addresses_of(resource)
    found: list[tuple[str, Callable[[], bool]]] = [
        (f"answer from {address}", partial(answers, address, mac)) for address, mac in addresses.items()
    ]
    if resource["ready"] == "ssh":
        found += [(f"SSH server at {address}", partial(has_ssh, address)) for address in list(addresses)[:1]]
    if resource["ready"] in ("agent", "cloud-init"):
        found.append(("guest agent", partial(agent.is_there, domain, end)))
    if resource["ready"] == "cloud-init":
        found.append(("end of cloud-init", partial(has_finished, domain, end)))
    return found


def answers(address: str, mac: str) -> bool:
    """Whether a guest is there under its address: the host, which is in its network, has just learnt its MAC address from it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, contextlib.suppress(OSError):
        # Any packet makes the kernel ask whose address it is (arp(7)); port 9 throws it away.
        asking.sendto(b"", (address, 9))
    neighbours = json.loads(system.run(["ip", "-j", "neigh", "show", "to", address]).stdout or "[]")
    return any(one.get("lladdr") == mac and "FAILED" not in one.get("state", []) for one in neighbours)


def has_ssh(address: str) -> bool:
    """Return whether an SSH server identifies itself (RFC 4253, 4.2)."""
    try:
        with socket.create_connection((address, 22), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def has_finished(domain: Any, end: float) -> bool:
    """Return whether cloud-init is through in the guest. Raise RuntimeError when something of it failed, or agent.InvalidAnswer."""
    try:
        found = agent.cloud_init_status(domain, end)
    except libvirt_host.library().libvirtError:
        return False
    if found["status"] == "error" or found["errors"]:
        reasons = readable("; ".join(found["errors"]) or found["detail"])[:MOST_CHARACTERS]
        raise RuntimeError(f"cloud-init failed in the guest: {reasons}; {last_lines(domain)}")
    return found["status"] in ("done", "disabled")


def wake(domain: Any) -> None:
    """Let a guest go on that was paused or sleeps. Raises libvirtError."""
    state = STATES.get(domain.state()[0])
    if state == "paused":
        domain.resume()
    elif state == "suspended":
        domain.pMWakeup()


def shut_down(domain: Any, seconds: float, force: bool) -> None:
    """Ask the guest to go off, and wait that long. Then it is cut off with `force`, else TimeoutError is raised.

    One that was paused after an error stays so, and is asked all the same.
    """
    with contextlib.suppress(libvirt_host.library().libvirtError):
        wake(domain)
    end = time.monotonic() + seconds
    while domain.isActive() and time.monotonic() < end:
        # A guest that is just starting may have missed it.
        with contextlib.suppress(libvirt_host.library().libvirtError):
            domain.shutdown()
        _wait(lambda: not domain.isActive(), 5)
    if domain.isActive() and not force:
        raise TimeoutError(f"the guest did not shut down within {seconds:g} s and still runs; `force_off: true` lets it be cut off then")
    if domain.isActive():
        domain.destroy()


def catch_up(domain: Any) -> None:
    """Let a running domain take what it can at once; a guest gives memory back within seconds."""
    for step in live_steps(domain):
        _take(step, domain)
        if step.call == DETACH:
            _wait_for_release(domain, step.part)
    _wait(lambda: not live_steps(domain), PATIENCE_SECONDS)


def _take(step: Step, domain: Any) -> None:
    """Apply one step to a running domain. Raise libvirtError."""
    library = libvirt_host.library()
    if step.call == TEXT:
        domain.setMetadata(library.VIR_DOMAIN_METADATA_DESCRIPTION, step.argument, None, None, library.VIR_DOMAIN_AFFECT_LIVE)
    else:
        getattr(domain, step.call)(step.argument, library.VIR_DOMAIN_AFFECT_LIVE)


def _wait_for_release(domain: Any, part: str) -> None:
    """Wait until the guest has released a device."""
    if not _wait(lambda: part not in definition.parts(present(domain)), PATIENCE_SECONDS):
        raise TimeoutError(f"the guest does not release {part}; shut it down, or try again when it has started")


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return held
