"""The observer of a kind: how a resource is read, who owns it, and how it differs from its configuration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from . import records, validation
from .specification import KINDS

Resource = dict[str, Any]


@dataclass
class Observation:
    """The state of one declared resource on the host.

    present      whether the object exists, in any form
    owner        the owner named in the object itself, None when no homelab owns it
    differences  one readable text per difference, empty when the host is in sync
    facts        values for other programs (addresses, URLs …)
    unknown      why the object could not be read, empty when it was; then nothing else counts
    """

    name: str
    present: bool = False
    owner: str | None = None
    differences: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    unknown: str = ""

    @property
    def in_sync(self) -> bool:
        """Whether the object exists as configured."""
        return self.present and not self.differences and not self.unknown


class Observer(ABC):
    """The observer of one kind. It reads the host and changes nothing."""

    kind: str
    # Why objects of one user may be missing in `found`, by the user.
    unread: Mapping[str, str] = {}
    # False for a kind whose objects cannot carry an owner; the records have it instead.
    carries_owner: ClassVar[bool] = True

    def name_of(self, resource: Resource) -> str:
        """Return the resource's name within host and kind, the last part of its id."""
        return str(resource["name"])

    def names_of(self, resource: Resource) -> set[str]:
        """Return every name that belongs to a resource: its own, and the previous one during a rename."""
        return {self.name_of(resource)}

    @abstractmethod
    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        """Return one observation per resource, in their order. Raise when a read fails: that is not 'absent'."""

    @abstractmethod
    def found(self) -> dict[str, str | None]:
        """Return the owner of every object of this kind on the host by its name, whoever created it."""

    def owned_by(self, owner: str) -> list[str]:
        """Return the names of the objects that carry this owner."""
        return [] if not self.carries_owner else sorted(name for name, one in self.found().items() if one == owner)

    def owned_by_others(self, owner: str) -> set[str]:
        """Return the names of the objects that carry another owner; a record of ours does not make them ours."""
        if not self.carries_owner:
            return set()
        return {name for name, one in self.found().items() if one not in (None, owner)}

    @property
    def schema(self) -> validation.Schema:
        """Return the JSON Schema of one resource."""
        schema: validation.Schema = KINDS[self.kind]["schema"]
        return schema

    @property
    def renamed(self) -> dict[str, str]:
        """Return the former keys by their path, such as `ports[].trunk`, with their present names."""
        renamed: dict[str, str] = KINDS[self.kind]["renamed"]
        return renamed

    @property
    def defaults(self) -> Resource:
        """Return the defaults of a resource's own keys."""
        return {key: one["default"] for key, one in self.schema["properties"].items() if "default" in one}

    def normalise(self, resource: Resource, contents: dict[str, str]) -> Resource:
        """Return the resource with its defaults. `contents` holds the files that resources name as `source`."""
        whole: Resource = validation.with_defaults(self.schema, validation.with_present_keys(self.renamed, resource)[0])
        return whole

    def errors(self, resource: Resource) -> list[str]:
        """Return what is invalid in a resource, whatever the host holds. Through Pulumi, zod reports it earlier."""
        return validation.errors(self.schema, resource) or self.contradictions(resource)

    def contradictions(self, resource: Resource) -> list[str]:
        """Return which valid values of a resource contradict each other."""
        return []

    def warnings(self, resources: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        """Return, by name, what on the host may keep a resource from working."""
        return {}

    def extra_facts(self, resources: Sequence[Resource], owner: str) -> dict[str, Any]:
        """Return facts about declared resources that a run needs before anything is applied."""
        return {}

    def record_of(self, resource: Resource) -> records.Record:
        """Return what a kind records of a successfully applied resource."""
        return {"on_delete": resource["on_delete"]} if "on_delete" in resource else {}

    def whole_record(self, resource: Resource) -> records.Record:
        """Return the record of a successfully applied resource, with what every kind has in it."""
        return {**self.record_of(resource), **({"protect": True} if resource.get("protect") else {})}

    def detect(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        """Observe, and compare with the record of the last apply."""
        observations = self.observe(resources, owner)
        for resource, seen in zip(resources, observations, strict=True):
            if not seen.present or seen.unknown:
                continue
            record = records.read(owner, self.kind, seen.name)
            if record is None:
                if seen.owner == owner:
                    seen.differences.append("no record of its last apply (it was interrupted or the record removed)")
                else:
                    seen.differences.append(ownership_of(seen))
            elif record.get("pending"):
                seen.differences.append("its last apply did not finish")
            else:
                wanted = self.whole_record(resource)
                # A key that the recording version did not know had its default.
                known = {key: default for key, default in self.defaults.items() if key in wanted}
                seen.differences += _record_differences({**known, **record}, wanted)
        return observations

    def unseen(self, resources: Sequence[Resource], owner: str, why: str) -> list[Observation]:
        """Return observations of resources that cannot be read: a recorded name is not taken for absent."""
        recorded = set(records.names(owner, self.kind))
        names = [self.name_of(resource) for resource in resources]
        return [Observation(name, present=True, differences=[why]) if name in recorded else Observation(name) for name in names]

    def unknown(self, resources: Sequence[Resource], why: str) -> list[Observation]:
        """Return observations of resources whose read failed; that is neither 'present' nor 'absent'."""
        return [Observation(self.name_of(resource), unknown=why) for resource in resources]

    def is_ours(self, seen: Observation, owner: str) -> bool:
        """Return whether the object carries the owner, or carries none and is in the owner's records."""
        if seen.owner is not None:
            return seen.owner == owner
        return records.read(owner, self.kind, seen.name) is not None

    def owned(self, owner: str) -> list[str]:
        """Return the names of all objects of this owner, by the object itself or by record."""
        recorded = set(records.names(owner, self.kind)) - self.owned_by_others(owner)
        return sorted(set(self.owned_by(owner)) | recorded)


def ownership_of(seen: Observation) -> str:
    """Return who owns an object, in words."""
    return "not managed by homelab" if seen.owner is None else f"owned by '{seen.owner}'"


def text_of(seen: Observation) -> str:
    """Return the differences as one text."""
    return "\n".join(seen.differences)


def _record_differences(record: records.Record, wanted: records.Record) -> list[str]:
    differing = [key for key in sorted({*record, *wanted}) if record.get(key) != wanted.get(key)]
    return [
        f"last applied with {key} {record[key]}, wanted {wanted[key]}"
        if isinstance(record.get(key), str) and isinstance(wanted.get(key), str)
        else f"last applied with other {key}"
        for key in differing
    ]
