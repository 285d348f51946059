"""When a service counts as running, and when it is given up: pure, from what systemctl(1) shows of a user's manager."""

from __future__ import annotations

import time

from ...observe.quadlet.states import number, state_drift

# So often a service may end and be started again, by systemd or by whoever else its user lets do that.
CRASHES = 5
# A restarted service counts as running after as many seconds as its start took, within these limits.
STEADY_SECONDS = (10, 60)


class Ends:
    """How often services were seen to end while they were waited for: whoever restarts one, systemd does not count that."""

    def __init__(self) -> None:
        self.up: set[str] = set()
        self.counts: dict[str, int] = {}

    def see(self, states: dict[str, dict[str, str]]) -> dict[str, str]:
        """Take another look. Return why the services that end again and again are given up."""
        up = {service for service, state in states.items() if state.get("ActiveState") == "active"}
        for service in self.up - up:
            self.counts[service] = self.counts.get(service, 0) + 1
        self.up = up
        return {
            service: f"{service} ends again and again; it was seen to end {count} times"
            for service, count in self.counts.items()
            if count >= CRASHES
        }


def is_up(state: dict[str, str]) -> bool:
    """Whether a service runs or is being started; one that crashed and waits for its next try is not."""
    starting = state.get("ActiveState") == "activating" and state.get("SubState") != "auto-restart"
    return starting or state.get("ActiveState") in ("active", "reloading")


def not_ready(service: str, state: dict[str, str]) -> str:
    """Why a service is not as it should be (yet)."""
    differences = state_drift(service, state, True)
    if not differences and crashes(state):
        differences = [f"{service} ends again and again; systemd started it {number(state, 'NRestarts')} times more"]
    if not differences and number(state, "NRestarts") and not lasts(state):
        differences = [f"{service} ended, and systemd has just started it again"]
    return "; ".join(differences) or (f"{service} waits for its restart" if has_job(state) else "")


def lasts(state: dict[str, str]) -> bool:
    """Whether a service has been active for long enough, by systemd's own account. A busy host takes longer for an end, as for a start."""
    left, active = (number(state, f"{name}TimestampMonotonic") / 1e6 for name in ("InactiveExit", "ActiveEnter"))
    least, most = STEADY_SECONDS
    return time.monotonic() - active >= min(max(least, active - left), most)


def crashes(state: dict[str, str]) -> bool:
    """Whether systemd starts a service again and again, counted from our own start."""
    return number(state, "NRestarts") >= CRASHES


def has_job(state: dict[str, str]) -> bool:
    """Whether systemd still has something to do for a service."""
    return state.get("Job", "0") not in ("", "0")


def given_up(state: dict[str, str]) -> bool:
    """Whether waiting is in vain: systemd gave up, or starts it again and again."""
    over = state.get("ActiveState") in ("failed", "inactive") and not has_job(state)
    return over or crashes(state)
