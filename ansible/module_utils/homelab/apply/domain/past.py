"""A domain before a change, or before the interrupted one that this change continues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.observer import Resource
from ...observe.domain import definition
from ...observe.domain.observer import lag, persistent
from ..writer import Change
from . import snapshot

# Within this time after its start was due, the guest of an interrupted run has probably not worked.
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Past:
    """A domain before a change: its definition, None of a new one; whether it ran; whether nobody saw the end of an earlier change;
    whether the snapshot of that one is there to go back to, or is too old for it.
    """

    definition: definition.Element | None = None
    ran: bool = True
    unfinished: bool = False
    taken: bool = False
    report_stale_snapshot: bool = False


def past_of(domain: Any, resource: Resource, change: Change, owner: str) -> Past:
    """Return a domain as it was before a change, before an interrupted one, or before one that it has not started with."""
    active, unfinished = bool(domain.isActive()), bool(change.record.get("pending"))
    taken = snapshot.is_taken(domain)
    report_stale_snapshot = taken and snapshot.age(domain) > resource["ready_timeout"] + PATIENCE_SECONDS
    begun = snapshot.begun(domain, owner)
    # A guest that has started since with what it was to get has taken it.
    if begun is None or report_stale_snapshot or (not taken and active and not lag(domain, resource, owner)[1]):
        return Past(persistent(domain), active, unfinished, report_stale_snapshot=report_stale_snapshot)
    return Past(begun, True, unfinished, taken)
