"""The base of observers that read a host as a whole. They are no kind of the table: nothing of them is declared or applied."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.observer import Observation, Observer, Resource


class WholeHost(Observer):
    """Reads facts of one host. Its questions have no schema, and its facts no record."""

    def name_of(self, resource: Resource) -> str:
        return "host"

    def normalise(self, resource: Resource, contents: dict[str, str]) -> Resource:
        return resource

    def detect(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return self.observe(resources, owner)

    def faults(self, resource: Resource) -> list[str]:
        """Return what is wrong with a question of somebody who is trusted with looking alone."""
        return [f"{self.kind} is asked with nothing"] if resource else []

    def found(self) -> dict[str, str | None]:
        return {}
