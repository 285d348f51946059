"""A host while one run changes it: nobody else does, and what may cut it off is taken back unless a new login confirms it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from . import lock, way_back


def no_way_back() -> str:
    """Why nothing may be changed that could cut a host off; nothing where its base is there."""
    there = os.path.exists(way_back.PROGRAM)
    return "" if there else "a change could cut this host off, and it has no way back: declare `homelab_host` for it"


class Hold:
    """What a run {id, who, alive, wait, confirm} holds of this host; `wait` and `confirm` are in seconds.

    taken  the host is this run's until it lets go
    armed  the way back waits for a new login
    """

    def __init__(self, run: lock.Run) -> None:
        self.run = run
        self.taken = False
        self.armed = False

    def settle(self) -> None:
        """Put back what another run changed and did not confirm, so that nobody takes it for what the host holds."""
        if way_back.is_unconfirmed(self.run["id"]):
            self.take()

    def take(self) -> None:
        """Take the host, or raise lock.Held; what was seen of it before may hold no longer."""
        lock.take(self.run, self.run["wait"])
        self.taken = True
        way_back.put_unconfirmed_back(self.run["id"])

    def arm(self, tables: Iterable[str]) -> str:
        """Arm the way back, or set its timer anew; says why that cannot be, else nothing."""
        if reason := no_way_back():
            return reason
        try:
            reason = way_back.arm(self.run["id"], self.run["confirm"], tables)
        except OSError as error:
            reason = f"the way back cannot be armed, so nothing is changed: {error}"
        self.armed = self.armed or not reason
        return reason
