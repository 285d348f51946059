"""Observes Quadlet units, rootless and system-wide.

A unit is {user?, name, sections | content, dropins?, files?, running?, restart, on_delete}. Its files lie in
`containers/systemd/<owner>/`, which is the mark; the generator reads subfolders too (podman-systemd.unit(5)).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ...core import records, system, validation
from ...core.observer import Observation, Observer, Resource
from . import home, unit_file
from .states import States, edits, manager_runs, service_states, settled_states, state_drift
from .users import SYSTEM, by_user, closed_to, folder_of, recorded_of, user_of, users, why_of

# systemd.unit(5): the part of a name before the type.
SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@\\%-]*")


class QuadletUnit(Observer):
    """Reads unit files and the state of their services, per user with one call of systemctl(1)."""

    kind = "quadlet-unit"

    def name_of(self, unit: Resource) -> str:
        return f"{user_of(unit)}/{unit.get('name')}"

    def normalise(self, unit: Resource, contents: dict[str, str]) -> Resource:
        whole = super().normalise(unit, contents)
        source = whole.pop("source", None)
        if source is not None:
            whole.update(name=whole.get("name") or os.path.basename(source), content=contents[source])
        if "files" in whole:
            files = whole["files"].items()
            whole["files"] = {path: text if isinstance(text, str) else contents[text["source"]] for path, text in files}
        return whole

    def contradictions(self, unit: Resource) -> list[str]:
        if "name" not in unit:
            return ["name: missing, the unit's file name"]
        if ("sections" in unit) == ("content" in unit):
            return ["expected exactly one of sections, source or content"]
        service = unit_file.service_of(unit)
        return [] if SERVICE.fullmatch(service) else [f"ServiceName=: expected a service's name, got {service!r:.80}"]

    def warnings(self, units: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for user, mine in by_user(units):
            services = {self.name_of(unit): unit_file.service_of(unit) for unit in mine}
            # A user who does not answer is reported by `observe`.
            with contextlib.suppress(system.CommandError):
                states = service_states(user, list(services.values()))
                found |= {name: edits(service, states.get(service, {})) for name, service in services.items()}
        return {name: edited for name, edited in found.items() if edited}

    def record_of(self, unit: Resource) -> records.Record:
        record = {"on_delete": unit["on_delete"], "restart": unit["restart"], "files": unit_file.digests(unit)}
        made = unit_file.object_of(unit)
        return {**record, "service": unit_file.service_of(unit), **({"object": made, "made": unit_file.made_of(unit)} if made else {})}

    def observe(self, units: Sequence[Resource], owner: str) -> list[Observation]:
        found = {seen.name: seen for user, mine in by_user(units) for seen in self._of_user(user, mine, owner)}
        return [found[self.name_of(unit)] for unit in units]

    def _of_user(self, user: str, units: Sequence[Resource], owner: str) -> list[Observation]:
        """Observe the units of one user. Whatever is wrong with a user costs no other."""
        folder = folder_of(user, owner)
        if folder is None:
            return [Observation(self.name_of(unit)) for unit in units]
        try:
            if closed := closed_to(user, owner):
                return self.unseen(units, owner, closed)
            states = settled_states(user, [unit_file.service_of(unit) for unit in units])
            found = home.look(user, folder, units, states)
            return [self._observation(unit, folder, owner, found[unit["name"]], states) for unit in units]
        except Exception as error:
            return self.unknown(units, why_of(user, error))

    def _observation(self, unit: Resource, folder: Path, owner: str, found: home.Found, states: States) -> Observation:
        service = unit_file.service_of(unit)
        state = states.get(service, {})
        seen = Observation(self.name_of(unit), present=found["ours"] or bool(found["others"]))
        seen.owner = owner if found["ours"] else _marked_by(folder, [Path(path) for path in found["others"]])
        seen.differences = [*found["differences"], *state_drift(service, state, unit_file.should_run(unit))]
        seen.facts = {"service": service, "active": state.get("ActiveState", "unknown"), "ports": unit_file.ports(unit)}
        return seen

    def found(self) -> dict[str, str | None]:
        """Return all units in /etc and in users' homes, podman-systemd.unit(5); of a home that cannot be read, those with a record."""
        found: dict[str, str | None] = {}
        for user in users():
            try:
                names = home.names_in(user)
            except OSError as error:
                names = recorded_of(user, self.kind)
                self.unread = {**self.unread, user: why_of(user, error)}
            found.update({f"{user}/{name}": owner for name, owner in names.items()})
        return found

    def owned_by_others(self, owner: str) -> set[str]:
        return set()  # Units of one name may have several owners; the folder decides.

    def owned_by(self, owner: str) -> list[str]:
        found, form = [], self.schema["properties"]["name"]
        for user in users():
            # Those with a record are known, whatever is wrong with the home.
            with contextlib.suppress(OSError):
                # A name that no resource can have is not the owner's, though a user may put such a file there.
                found += [f"{user}/{name}" for name in home.names_in(user, owner) if not validation.errors(form, name)]
        return found


def _marked_by(folder: Path, others: Sequence[Path]) -> str | None:
    """Return the owner of a unit by its folder; a unit beside the owners' folders has none."""
    folders = [path.relative_to(folder.parent).parts[:-1] for path in others if path.suffix != ".conf"]
    return next((parts[0] for parts in folders if parts), None)


def lacking(users: dict[str, str], owner: str) -> dict[str, str]:
    """Return the missing prerequisites of resources by name, given the user of each."""
    if not system.installed("podman"):
        return dict.fromkeys(users, "podman is not installed yet; `podman: true` in homelab_host brings it")
    reasons = {user: _lacking(user, owner) for user in {*users.values()} - {SYSTEM}}
    return {name: reasons[user] for name, user in users.items() if reasons.get(user)}


def _lacking(user: str, owner: str) -> str:
    if not manager_runs(user):
        return f"user {user} does not exist or has no systemd running yet; `service_users` sees to that"
    try:
        return closed_to(user, owner)
    except OSError as error:
        return why_of(user, error)


observer = QuadletUnit()
