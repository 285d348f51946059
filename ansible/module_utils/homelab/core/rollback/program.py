"""Automatic rollback: restores network and rules as they were before a change that no new login confirmed.

A writer imports this and calls `arm` before it changes tables, bridges or VLANs. The host's base installs the same files
below store.LIBRARY, and store.PROGRAM to run them; they need nothing but Python. A timer runs `restore`. So does the boot,
before the network, since an operator who is locked out power-cycles. A new login runs `confirm RUN`, or `now RUN` where it
failed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from . import checks, restore, state, store

NOTHING = "no change of this run waits for a confirmation"
CODES = {"": 0, NOTHING: 4}


def arm(run_id: str, seconds: int, kinds: Iterable[str], tables: Iterable[str] = (), parameters: Iterable[str] = ()) -> str:
    """Save the present state, once per run, and restart the timer. Return why that is impossible, else ''.

    `kinds` are those whose records are saved; `tables` and `parameters` what changes and is in no file of ours yet: tables as
    `family/name`, kernel parameters by their path. Raise OSError.
    """
    if done := outcome(run_id):
        # The timer ran between two kinds of this run.
        return f"{done}. Run again"
    snapshot = store.snapshot() or {"run": run_id, "boot": store.boot(), **state.current(kinds, tables, parameters)}
    if "checks" not in snapshot:
        # One that fails already tells nothing about the change.
        broken = checks.failing(checks.declared())
        snapshot["checks"] = [check for check in checks.declared() if check not in broken]
    snapshot["tables"] = {**state.tables(set(tables) - set(snapshot["tables"])), **snapshot["tables"]}
    snapshot["parameters"] = {**state.parameters(set(parameters) - set(snapshot["parameters"])), **snapshot["parameters"]}
    snapshot["until"] = store.uptime() + seconds
    everything = "".join(restore.table_text(name, listing) for name, (_, listing) in snapshot["tables"].items())
    checked = subprocess.run(["nft", "-c", "-f", "-"], input=everything, capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        return f"The rollback does not work: {checked.stderr.strip()}"
    if store.run("python3", "-I", store.PROGRAM, "outcome", "") != "\n":
        return f"The rollback does not work: {store.PROGRAM} does not run. Apply `homelab_host` first"
    if (enabled := store.run("systemctl", "is-enabled", store.SERVICE).strip()) != "enabled":
        return f"The rollback would not run: {store.SERVICE} is {enabled or 'masked or disabled'}. Apply `homelab_host` first"
    store.write_snapshot(snapshot)
    if not _has_timer(seconds):
        return f"The rollback cannot be armed: {store.TIMER} does not start"
    return ""


def is_unconfirmed(run_id: str) -> bool:
    """Return whether another run made a change that it has not confirmed."""
    snapshots = [store.snapshot(), store.read(store.FORMER_SNAPSHOT)]
    return any(snapshot is not None and snapshot["run"] != run_id for snapshot in snapshots)


def roll_back_unconfirmed(run_id: str) -> None:
    """Roll back what another run changed and did not confirm. The caller holds the lock."""
    snapshot = store.snapshot()
    if snapshot is not None and snapshot["run"] != run_id:
        restore.roll_back(snapshot)


def confirm(run_id: str) -> str:
    """Keep the change, since a new login works and the checks pass that did before it.

    Return '', else which of them fail, what was rolled back instead, or NOTHING.
    """
    with store.Lock():
        snapshot = store.snapshot()
        if snapshot is not None and snapshot["run"] == run_id:
            if broken := checks.failing_for_long(snapshot.get("checks", [])):
                return f"it worked before the change, and fails now: {', '.join(broken)}"
            restore.disarm()
            # A login that got no answer asks again.
            store.write(store.CONFIRMED, {"run": run_id})
            return ""
    confirmed = (store.read(store.CONFIRMED) or {}).get("run") == run_id
    return "" if confirmed else outcome(run_id) or NOTHING


def now(run_id: str) -> str:
    """Roll back what this run changed without waiting for the timer, and return it in words."""
    with store.Lock():
        snapshot = store.snapshot()
        if snapshot is not None and snapshot["run"] == run_id:
            restore.roll_back(snapshot)
    return outcome(run_id)


def restore_expired() -> None:
    """Roll back when the time is over or the host was reset. A change in progress has set another time."""
    with store.Lock():
        snapshot = store.snapshot()
        if snapshot is not None and (snapshot["boot"] != store.boot() or store.uptime() >= snapshot["until"] - 1):
            restore.roll_back(snapshot)
            print(outcome(snapshot["run"]))


def outcome(run_id: str) -> str:
    """Return what was rolled back of a run, in words; '' where nothing was."""
    found = store.outcome()
    if found is None or found["run"] != run_id:
        return ""
    failed = f"; not restored: {', '.join(found['left'])}" if found["left"] else ""
    return f"the host rolled back at {found['at']}: {', '.join(found['did']) or 'nothing had changed'}{failed}"


def _has_timer(seconds: int) -> bool:
    """Start the timer unless it runs. It starts the service again and again, so that a later time or a failed attempt needs no other."""
    if store.run("systemctl", "is-active", store.TIMER).strip() != "active":
        again = "--timer-property=OnUnitInactiveSec=5"
        store.run("systemd-run", f"--on-active={seconds}", again, "--timer-property=AccuracySec=100ms", f"--unit={store.SERVICE}")
    return store.run("systemctl", "is-active", store.TIMER).strip() == "active"


def main(argv: list[str]) -> int:
    """Run one command and print its outcome; return 3 when something was rolled back, 4 for NOTHING."""
    if argv[1:] == ["restore"]:
        restore_expired()
        return 0
    done = {"confirm": confirm, "now": now, "outcome": outcome}[argv[1]](argv[2])
    print(done)
    return CODES.get(done, 3)
