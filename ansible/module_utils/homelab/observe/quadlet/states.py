"""States of the services of Quadlet units as systemd reports them, with one call of systemctl(1) per user."""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Sequence

from ...core import system
from . import unit_file
from .users import SYSTEM, account_of

PROPERTIES = (
    "Type,Job,LoadState,ActiveState,SubState,Result,NRestarts,InvocationID,FragmentPath,DropInPaths,"
    "ExecMainStartTimestampMonotonic,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic"
)
# By the names of services.
States = dict[str, dict[str, str]]
# How long a call that only reads may take, in seconds.
ANSWER_SECONDS = 20
# How long a look waits for what systemd is just about.
MOVING_SECONDS = 10
# Of a number of 64 bits.
MOST_DIGITS = 20
# Of a line that systemctl prints; one of many drop-ins has some thousand.
LONGEST = 64 * 1024


def systemctl(user: str) -> list[str]:
    """systemctl for the system or, run as that user, for its manager."""
    return ["systemctl"] if user == SYSTEM else ["systemctl", "--user"]


def service_states(user: str, services: Sequence[str]) -> States:
    """The state of services by name; a user whose manager does not run has none. A template's is that of one that runs."""
    if not services or (user != SYSTEM and not manager_runs(user)):
        return {}
    # An alias is shown under its own name, so the order counts, not the Id. An instance that nobody starts shows its template.
    states = dict(zip(services, _show(user, [service.replace("@.", "@homelab-none.") for service in services]), strict=False))
    for template in filter(unit_file.is_template, services):
        running = [state for state in _show(user, [instances_of(template)]) if state.get("ActiveState") == "active"]
        if running:
            states[template] = running[0]
    return states


def settled_states(user: str, services: Sequence[str]) -> States:
    """Their state once systemd is done with what it is just about, such as a restart of its own; or after a while."""
    end = time.monotonic() + MOVING_SECONDS
    states = service_states(user, services)
    while any(state.get("ActiveState") in ("activating", "deactivating") for state in states.values()) and time.monotonic() < end:
        time.sleep(0.5)
        states = service_states(user, services)
    return states


def _show(user: str, services: Sequence[str]) -> list[dict[str, str]]:
    shown = system.run([*systemctl(user), "show", "-p", PROPERTIES, *services], account=account_of(user), timeout=ANSWER_SECONDS).stdout
    blocks = [dict(line[:LONGEST].split("=", 1) for line in block.splitlines() if "=" in line[:LONGEST]) for block in shown.split("\n\n")]
    return [block for block in blocks if block]


def instances_of(service: str) -> str:
    """Return the pattern for systemctl(1): the service itself, or all loaded instances of a template."""
    return service.replace("@.", "@*.")


def manager_runs(user: str) -> bool:
    """Whether a user exists and its systemd answers."""
    try:
        # Its folder stays when somebody stops it, as long as the user lingers.
        return system.answers(f"/run/user/{pwd.getpwnam(user).pw_uid}/systemd/private")
    except KeyError:
        return False


def state_drift(service: str, state: dict[str, str], should_run: bool | None) -> list[str]:
    """How a service's state differs from what its unit asks for."""
    load, active = state.get("LoadState", "unknown"), state.get("ActiveState", "unknown")
    if load != "loaded":
        return [f"{service}: systemd reports it as {load}, wanted loaded"]
    if elsewhere := overridden(service, state):
        return [elsewhere]
    if should_run and not runs(state):
        return [f"{service} is {active} ({state.get('SubState')}, {state.get('Result', 'unknown')}), wanted active"]
    if should_run is False and active not in ("inactive", "failed"):
        return [f"{service} is {active}, wanted stopped"]
    return []


def overridden(service: str, state: dict[str, str]) -> str:
    """Return why a service is not the unit's, else '': systemd prefers a file of its own to a generated one, systemd.unit(5)."""
    # A masked service's file is the mask, which is compared separately.
    path = state.get("FragmentPath", "") if state.get("LoadState") == "loaded" else ""
    is_generated = not path or "/systemd/generator" in path
    return "" if is_generated else f"{service}: systemd takes it from {path}, not from Quadlet's generator; remove that file"


def edits(service: str, state: dict[str, str]) -> list[str]:
    """Return which drop-ins of the service itself changed it, as `systemctl edit` does; systemd.unit(5)."""
    folders = {f"{service}.d", f"{re.sub('@.*[.]', '@.', service)}.d"}
    paths = [path for path in state.get("DropInPaths", "").split() if os.path.basename(os.path.dirname(path)) in folders]
    return [f"{path} changes {service}: declare that in the unit, and remove the file" for path in paths]


def runs(state: dict[str, str]) -> bool:
    """Whether a service does what it should: it is active, or ran to its end as a oneshot does, systemd.service(5)."""
    ended = state.get("Type") == "oneshot" and state.get("ActiveState") == "inactive" and state.get("Result") == "success"
    return state.get("ActiveState") in ("active", "reloading") or (ended and state.get("ExecMainStartTimestampMonotonic", "0") != "0")


def number(state: dict[str, str], name: str) -> int:
    """Return a property that is a number, 0 for what is none: a user's manager belongs to that user, and prints anything."""
    text = state.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else 0


def started(state: dict[str, str]) -> float:
    """When what a service runs was started, in seconds of time(2); systemd counts from the boot (clock_gettime(2))."""
    begun = number(state, "ExecMainStartTimestampMonotonic")
    return time.time() - time.monotonic() + begun / 1e6 if begun else 0
