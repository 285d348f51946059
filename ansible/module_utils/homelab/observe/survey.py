"""Lists all objects of all kinds on a host, whoever made them, for `npm run undeclared`. It changes nothing.

Facts are {kind: [{name, owner, present} | {name, error}] | {error}}: `owner` is None without one; what is not `present` has a
record only; `name` beside `error` is `<user>/*` of a user whose objects cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import records
from ..core.observer import Observation, Observer, Resource
from . import kinds
from .whole_host import WholeHost


class Survey(WholeHost):
    """Reads the objects of all kinds."""

    kind = "survey"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return [Observation("host", present=True, facts={one.kind: listing(one) for one in kinds.OBSERVERS}) for _ in resources]


def listing(observer: Observer) -> Any:
    """The objects of one kind. One that cannot be read is {"error": why}, and costs no other."""
    try:
        found = observer.found()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    recorded = {name: owner for owner in records.owners() for name in records.names(owner, observer.kind)}
    there = [{"name": name, "owner": mark or recorded.get(name), "present": True} for name, mark in sorted(found.items())]
    gone = [{"name": name, "owner": owner, "present": False} for name, owner in sorted(recorded.items()) if name not in found]
    unread = [{"name": f"{user}/*", "error": why} for user, why in sorted(observer.unread.items())]
    return [*there, *gone, *unread]


observer = Survey()
