"""Checks that a host's owner declares: what has to work after a change of network or rules, beside a new login."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Sequence

from . import store

# For one try, and for all that is tried after a change: a neighbour's address may have to be found anew.
TRY_SECONDS = 3
PATIENCE_SECONDS = 15


def declared() -> list[str]:
    """Return the declared checks: `ping <address>`, `resolve <name>` and `tcp <host>:<port>`."""
    if not os.path.exists(store.CHECKS):
        return []
    return [line for line in str(store.content(store.CHECKS)[0]).splitlines() if line and not line.startswith("#")]


def failing(checks: Iterable[str]) -> list[str]:
    """Return the checks that fail."""
    return [check for check in checks if not _passes(check)]


def failing_for_long(checks: Sequence[str]) -> list[str]:
    """Return the checks that still fail after a while."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (left := failing(checks)) and time.monotonic() < end:
        time.sleep(1)
    return left


def _passes(check: str) -> bool:
    try:
        done = subprocess.run(_command(check), stdin=subprocess.DEVNULL, capture_output=True, timeout=TRY_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _command(check: str) -> list[str]:
    """Return the command of a check. Each is a process of its own, which can be ended: a name server may never answer."""
    what, target = check.split(" ", 1)
    if what == "ping":
        return ["ping", "-n", "-q", "-c", "1", "-W", str(TRY_SECONDS), target]
    if what == "resolve":
        return ["getent", "ahosts", target]
    host, port = target.rsplit(":", 1)
    connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2]))).close()"
    return ["python3", "-I", "-c", connect, host.strip("[]"), port]
