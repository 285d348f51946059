"""What every kind has in common: how a unit is observed, whose it is, and what differs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from . import records

Unit = dict[str, Any]


@dataclass
class Observation:
    """What the host says of one wanted unit.

    present    the object is there, in whatever shape
    marked_by  the owner whose mark it bears, None for nobody's
    drift      one readable text per difference; empty when the host holds what is wanted
    facts      what other programs may want to know (addresses, URLs …)
    """

    name: str
    present: bool = False
    marked_by: str | None = None
    drift: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the host has the object as it is wanted."""
        return self.present and not self.drift


class Kind(ABC):
    """The observer of one kind. It reads the host and changes nothing."""

    kind: str
    defaults: ClassVar[Unit] = {}
    # Of a kind whose objects have no place for one, the records say whose they are.
    bears_marks: ClassVar[bool] = True

    @abstractmethod
    def name_of(self, unit: Unit) -> str:
        """The unit's name within host and kind, the last part of its id."""

    def names_of(self, unit: Unit) -> set[str]:
        """All names that a unit stands for: its own, and one that it is about to give up. None of them is undeclared."""
        return {self.name_of(unit)}

    @abstractmethod
    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        """One observation per unit, in their order. A failing read raises: that is not 'absent'."""

    @abstractmethod
    def found(self) -> dict[str, str | None]:
        """All objects of this kind on the host, whoever made them, by name, with the owner whose mark each bears."""

    def marked(self, owner: str) -> list[str]:
        """The names of those that bear the owner's mark."""
        return [] if not self.bears_marks else sorted(name for name, mark in self.found().items() if mark == owner)

    def marked_by_others(self, owner: str) -> set[str]:
        """The names of those that bear another owner's mark; a record of ours does not make them ours."""
        return {name for name, mark in self.found().items() if mark not in (None, owner)} if self.bears_marks else set()

    def normalise(self, unit: Unit, contents: dict[str, str]) -> Unit:
        """The unit with its defaults. `contents` holds the texts of the files that units name as `source`."""
        return {**self.defaults, **unit}

    def faults(self, unit: Unit) -> list[str]:
        """What is wrong with a unit's texts, whatever the host holds. Through Pulumi, zod says it before."""
        return []

    def warnings(self, units: Sequence[Unit], owner: str) -> dict[str, list[str]]:
        """What on the host may keep a unit from doing what it is for, by its name."""
        return {}

    def record_of(self, unit: Unit) -> records.Record:
        """What the record of a successfully applied unit says."""
        return {"on_delete": unit["on_delete"]} if "on_delete" in unit else {}

    def look(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        """Observe, and compare with the record of the last apply."""
        observations = self.observe(units, owner)
        for unit, seen in zip(units, observations, strict=True):
            if not seen.present:
                continue
            record = records.read(owner, self.kind, seen.name)
            if record is None:
                if seen.marked_by == owner:
                    seen.drift.append("no record of its last apply (it was interrupted or the record removed)")
                else:
                    seen.drift.append(f"not ours: {whose(seen)}")
            elif record.get("pending"):
                seen.drift.append("its last apply did not finish")
            else:
                wanted = self.record_of(unit)
                # What the version that wrote the record did not know had its default.
                known = {key: self.defaults[key] for key in wanted.keys() & self.defaults.keys()}
                seen.drift += _record_drift({**known, **record}, wanted)
        return observations

    def unseen(self, units: Sequence[Unit], owner: str, why: str) -> list[Observation]:
        """Units that cannot be looked at: what records name is not taken for gone."""
        recorded = set(records.names(owner, self.kind))
        names = [self.name_of(unit) for unit in units]
        return [Observation(name, present=True, drift=[why]) if name in recorded else Observation(name) for name in names]

    def is_ours(self, seen: Observation, owner: str) -> bool:
        """Whether the object bears the owner's mark, or lost its mark but is in the owner's records."""
        if seen.marked_by is not None:
            return seen.marked_by == owner
        return records.read(owner, self.kind, seen.name) is not None

    def owned(self, owner: str) -> list[str]:
        """The names of all units on the host that are the owner's, by mark, or by record when the mark was lost."""
        recorded = set(records.names(owner, self.kind)) - self.marked_by_others(owner)
        return sorted(set(self.marked(owner)) | recorded)


def whose(seen: Observation) -> str:
    """Whose an object is, in words."""
    return "it bears nobody's mark" if seen.marked_by is None else f"it belongs to '{seen.marked_by}'"


def _record_drift(record: records.Record, wanted: records.Record) -> list[str]:
    differing = [key for key in sorted({*record, *wanted}) if record.get(key) != wanted.get(key)]
    return [
        f"last applied with {key} {record[key]}, wanted {wanted[key]}"
        if isinstance(record.get(key), str) and isinstance(wanted.get(key), str)
        else f"last applied with other {key}"
        for key in differing
    ]


def drift_text(seen: Observation) -> str:
    """The differences as one text."""
    return "\n".join(seen.drift)
