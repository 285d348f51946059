"""One apply at a time on a host, by either route: a lease for a whole run, and a lock for the module that makes a change.

The lease (/run/homelab/lock) names the run that holds the host and its end. It ends with the run, when its controller
reports the run dead, or after LEASE_SECONDS. The lock (flock(2)) ends with the process, so that a module that a killed
controller left running is waited for.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from ..core import system

LEASE = Path("/run/homelab/lock")
APPLYING = Path("/run/homelab/applying")
LEASE_SECONDS = 900

Lease = dict[str, Any]
Run = dict[str, Any]

# The lock's open file; closed by the kernel when this process ends.
_held: list[int] = []


class Locked(Exception):
    """Another run holds the host. The text names it."""


def acquire(run: Run, wait: float) -> None:
    """Lock the host for a run {id, who, alive} until this process ends. `wait` is in seconds. Raise Locked."""
    if _held:
        return
    system.make_folder(LEASE.parent, mode=0o700)
    descriptor = os.open(APPLYING, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + wait
    while not _try(descriptor, run):
        if time.monotonic() >= end:
            process = process_with(descriptor)
            os.close(descriptor)
            raise Locked(f"The host is locked by another apply ({holder(read())}). Nothing was changed. {advice(process)}")
        time.sleep(1)
    _held.append(descriptor)


def _try(descriptor: int, run: Run) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lease = read()
    if not is_free(lease, run, uptime()):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False
    since = lease["since"] if lease and lease.get("id") == run["id"] else time.time()
    kept = {"id": run["id"], "who": run["who"], "since": since, "until": uptime() + LEASE_SECONDS}
    system.write_text(LEASE, json.dumps(kept) + "\n", mode=0o600)
    return True


def uptime() -> float:
    """Return the seconds since boot, which do not follow changes of the clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read() -> Lease | None:
    """Return the lease, None when there is none."""
    try:
        found = json.loads(system.read_text(LEASE) or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def is_free(lease: Lease | None, run: Run, now: float) -> bool:
    """Return whether a run may lock the host: no run holds it, or itself, or an expired one, or one that its controller reports dead."""
    if lease is None or lease["id"] == run["id"] or now >= lease["until"]:
        return True
    (controller, began), (own, listed) = _parts(lease["id"]), _parts(run["id"])
    # `alive` was listed when this run began; one that began later may live.
    return controller == own and began < listed and lease["id"] not in run["alive"]


def _parts(run_id: str) -> tuple[str, int]:
    """Return where a run was started, and when, in ticks since that machine's boot (lookup_plugins/homelab_run.py)."""
    controller, process = run_id.rsplit("/", 1)
    return controller, int(process.rsplit("-", 1)[1])


def process_with(descriptor: int) -> int | None:
    """Return the process of this host that has the lock of an open file (proc_locks(5)); None between two modules of a run."""
    found = os.fstat(descriptor)
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in (system.read_text("/proc/locks") or "").splitlines():
        fields = line.split()
        # One that waits has an arrow before its class.
        if fields[1:2] == ["FLOCK"] and fields[5:6] == [file] and int(fields[4]) > 0:
            return int(fields[4])
    return None


def advice(process: int | None) -> str:
    """Return what to do about a lock; `process` has it now."""
    if process is None:
        return f"Run again when it has finished, or {LEASE_SECONDS // 60} minutes after its last step at the latest"
    return f"Run again when it has finished. If its process {process} on this host hangs, end that there: sudo kill {process}"


def holder(lease: Lease | None) -> str:
    """Return which run holds the host, in words."""
    if lease is None:
        return "it is just starting or ending"
    return f"{lease['who']}, since {time.strftime('%H:%M:%S UTC', time.gmtime(lease['since']))}"
