"""The host while one run changes it: locked for others, with a rollback of what may disconnect it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..core.rollback import program, restore, store
from ..core.specification import KINDS
from . import lock, migration

# The kinds whose records belong to a rollback, with what was in force before them.
_RISKY = [kind for kind, one in KINDS.items() if one["may_disconnect"]]
RESTORED_KINDS = [*_RISKY, *(f"{kind}-before" for kind in _RISKY), "port-before"]


def missing_rollback() -> str:
    """Return why nothing may be changed that could disconnect the host; '' where its rollback is installed."""
    if os.path.exists(store.PROGRAM):
        return ""
    return "This change could disconnect the host, and no rollback is installed. Declare `homelab_host` for it"


class HostSession:
    """What a run {id, who, alive, wait, confirm} does with this host; `wait` and `confirm` are in seconds.

    locked    this run holds the lock until it releases it
    armed     the rollback waits for a new login
    migrated  files of an older version were moved
    """

    def __init__(self, run: lock.Run) -> None:
        self.run = run
        self.locked = False
        self.armed = False
        self.migrated = False
        self._snapshot: store.Snapshot = {}

    def rollback_unconfirmed(self) -> None:
        """Roll back what another run changed and did not confirm, so that nobody takes it for the host's state."""
        if program.is_unconfirmed(self.run["id"]):
            self.lock()

    def lock(self) -> None:
        """Lock the host, or raise lock.Locked. Observations from before may be outdated."""
        lock.acquire(self.run, self.run["wait"])
        self.locked = True
        self.migrated = migration.migrate() or self.migrated
        program.roll_back_unconfirmed(self.run["id"])

    def arm(self, tables: Iterable[str] = (), parameters: Iterable[str] = ()) -> str:
        """Arm the rollback. Return why that is impossible, else ''.

        `tables` and `parameters` are those that change: nftables tables as `family/name`, kernel parameters by their path.
        """
        reason = missing_rollback() or self._arm(tables, parameters)
        if not reason:
            self.armed = True
            self._snapshot = store.snapshot() or {}
        return f"{reason}. Nothing was changed" if reason else ""

    def extend(self) -> str:
        """Give a new login the whole time from now on. Where that is impossible, roll back and return why, else ''."""
        if not (reason := self._arm()):
            return ""
        # The timer may have run in the middle of the change, so that nothing would roll back what came after.
        restore.roll_back(self._snapshot)
        return f"The change was rolled back, since nothing would have done so later: {reason}"

    def _arm(self, tables: Iterable[str] = (), parameters: Iterable[str] = ()) -> str:
        try:
            return program.arm(self.run["id"], self.run["confirm"], RESTORED_KINDS, tables, parameters)
        except OSError as error:
            return f"The rollback cannot be armed: {error}"
