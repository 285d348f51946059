"""The writer of a kind: an observer that can also change the host."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..core import records
from ..core.observer import Observation, Observer, Resource

Errors = dict[str, str]


@dataclass
class Change:
    """A resource that is out of sync, its observation, and the record of its last apply."""

    resource: Resource
    seen: Observation
    record: records.Record


class Writer(Observer):
    """A kind's writer. Only a subclass of this changes a host.

    to_remove      the names that are removed after the others were applied
    to_change      the names that are out of sync
    values         secret values by name, which no output may contain
    changed_kinds  the kinds that the same run changed earlier, or would change in check mode
    """

    # Whether a change can disconnect the host, so that it is rolled back unless a new login confirms it.
    may_disconnect: ClassVar[bool] = False
    to_remove: Sequence[str] = ()
    to_change: Sequence[str] = ()
    values: Mapping[str, str] = {}
    changed_kinds: Collection[str] = ()

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        """Return what must exist on the host first, by name. Other roles of the same run may provide it."""
        return {}

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        """Return why resources cannot be applied, by name, without changing anything. `resources` is the whole set."""
        return {}

    def disruption(self, change: Change) -> str:
        """Return what a change does to what runs: live, restart, next-boot, replace or data-loss."""
        return "live"

    def affected(self, change: Change, owner: str) -> list[str]:
        """Return what else a change restarts, or disconnects for a moment."""
        return []

    def has_data(self, name: str) -> bool:
        """Return whether removing a resource with `on_delete: destroy` deletes data."""
        return True

    def needed_by(self, name: str) -> list[records.Recorded]:
        """Return the recorded resources, of any owner, that need one. It is not removed before them."""
        return []

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        """Return why the host would not remove resources, by name. Others of the owner may leave in the same run."""
        return {}

    def pending_record(self, change: Change) -> records.Record:
        """Return the record while a change is being applied: until it is verified, the resource counts as not applied."""
        return {**(change.record or self.whole_record(change.resource)), "pending": True}

    def journal_excerpt(self, change: Change) -> str:
        """Return the host's journal about a resource that is out of sync after an apply."""
        return ""

    def can_disconnect(self, names: Sequence[str]) -> bool:
        """Return whether a change of these resources can disconnect the host."""
        return self.may_disconnect

    def tables_of(self, names: Sequence[str]) -> Sequence[str]:
        """Return the nftables tables that a change of these resources changes."""
        return []

    def parameters_of(self, names: Sequence[str]) -> Sequence[str]:
        """Return the kernel parameters that a change of these resources changes, by their path below /proc/sys."""
        return []

    @abstractmethod
    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        """Bring these resources in sync. Return what failed, by name; one failure does not stop the others."""

    @abstractmethod
    def remove(self, names: Sequence[str], owner: str) -> Errors:
        """Remove these objects of the owner. Return what failed, by name."""
