"""How a writer starts, stops and changes domains that run. What a guest has to do is waited for, within limits."""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import re
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
from ...observe.domain.observer import STATES, live_steps, persistent, present

PATIENCE_SECONDS = 15
CONSOLE_LINES = 15


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
    while missing := [what for what, is_there in signs(domain, resource) if not is_there()]:
        if not domain.isActive():
            raise TimeoutError(f"it went off again without {', '.join(missing)}; {last_lines(domain)}")
        if time.monotonic() > end:
            raise TimeoutError(
                f"it runs, but after {resource['ready_timeout']} s there is no {', no '.join(missing)}; {last_lines(domain)}"
            )
        time.sleep(1)


def addresses_of(resource: Resource) -> dict[str, str]:
    """The MAC address behind each address that is a domain's own."""
    return {one["address"]: one["mac"] for one in resource["interfaces"] if "address" in one}


def signs(domain: Any, resource: Resource) -> list[tuple[str, Callable[[], bool]]]:
    """By what a guest is known to be ready, in words and as a look at it."""
    addresses = addresses_of(resource)
    found: list[tuple[str, Callable[[], bool]]] = [
        (f"answer from {address}", partial(answers, address, mac)) for address, mac in addresses.items()
    ]
    if resource["ready"] == "ssh":
        found += [(f"SSH server at {address}", partial(has_ssh, address)) for address in list(addresses)[:1]]
    if resource["ready"] in ("agent", "cloud-init"):
        found.append(("guest agent", partial(has_agent, domain)))
    if resource["ready"] == "cloud-init":
        found.append(("end of cloud-init", partial(has_finished, domain)))
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


def has_agent(domain: Any) -> bool:
    """Whether the guest agent answers (qemu-ga(8))."""
    try:
        ask_agent(domain, "guest-ping")
    except libvirt_host.library().libvirtError:
        return False
    return True


def ask_agent(domain: Any, command: str, **arguments: Any) -> Any:
    """Return the guest agent's answer to a command (QEMU Guest Agent Protocol Reference). Raise libvirtError."""
    asked = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(importlib.import_module("libvirt_qemu").qemuAgentCommand(domain, asked, 5, 0))["return"]


def has_finished(domain: Any) -> bool:
    """Whether cloud-init is through in the guest. Raises RuntimeError, with its own words and the console's last lines, when something
    of it failed.
    """
    try:
        argv = {"path": "cloud-init", "arg": ["status", "--format=json"], "capture-output": True}
        pid = ask_agent(domain, "guest-exec", **argv)["pid"]
        while not (done := ask_agent(domain, "guest-exec-status", pid=pid))["exited"]:
            time.sleep(0.5)
        status = json.loads(base64.b64decode(done.get("out-data", "")) or "{}")
    except (libvirt_host.library().libvirtError, ValueError):
        return False
    if status.get("errors") or status.get("status") == "error":
        reasons = "; ".join(str(one) for one in status.get("errors", [])) or status.get("detail", "")
        raise RuntimeError(f"cloud-init failed in the guest: {readable(reasons)}; {last_lines(domain)}")
    return status.get("status") in ("done", "disabled")


def last_lines(domain: Any) -> str:
    """The end of what a guest wrote to its console, where its definition keeps that."""
    log = persistent(domain).find("devices/serial/log")
    text = None if log is None else system.read_text(log.get("file", ""))
    if not text:
        return "it has written nothing to its console"
    lines = [line for line in readable(text).splitlines() if line.strip()][-CONSOLE_LINES:]
    return "\n".join(["its console's last lines:", *lines])


def readable(text: str) -> str:
    """A guest's console without what would move the cursor or change a terminal: it is the guest that wrote it."""
    plain = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)", "", text)
    return "".join(one if one == "\n" or one.isprintable() else " " for one in plain.replace("\r\n", "\n"))


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
