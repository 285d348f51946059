"""Observes Quadlet units, rootless and system-wide.

A unit is {user?, name, sections | content, dropins?, files?, running?, restart, on_delete}. Its files lie in
`containers/systemd/<owner>/`, which is the mark; the generator reads subfolders too (podman-systemd.unit(5)).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ...core import records, system
from ...core.observer import Observation, Observer, Resource
from . import objects, unit_file
from .states import edits, manager_runs, service_states, settled_states, state_drift
from .users import SYSTEM, account_of, by_user, closed_to, folder_of, is_readable, store_of, user_of, users

# systemd.unit(5): the part of a name before the type.
SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@\\%-]*")
# The administrator's units for users; the system's generator ignores them, podman-systemd.unit(5).
FOR_USERS = Path("/etc/containers/systemd/users")


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
        states = {user: service_states(user, [unit_file.service_of(unit) for unit in mine]) for user, mine in by_user(units)}
        services = [(unit, unit_file.service_of(unit)) for unit in units]
        found = {self.name_of(unit): edits(service, states[user_of(unit)].get(service, {})) for unit, service in services}
        return {name: edited for name, edited in found.items() if edited}

    def record_of(self, unit: Resource) -> records.Record:
        record = {"on_delete": unit["on_delete"], "restart": unit["restart"], "files": unit_file.digests(unit)}
        made = unit_file.object_of(unit)
        return {**record, "service": unit_file.service_of(unit), **({"object": made, "made": unit_file.made_of(unit)} if made else {})}

    def observe(self, units: Sequence[Resource], owner: str) -> list[Observation]:
        states = {user: settled_states(user, [unit_file.service_of(unit) for unit in mine]) for user, mine in by_user(units)}
        return [self._observe(unit, owner, states[user_of(unit)]) for unit in units]

    def _observe(self, unit: Resource, owner: str, states: dict[str, dict[str, str]]) -> Observation:
        user = user_of(unit)
        folder = folder_of(user, owner)
        seen = Observation(self.name_of(unit))
        if folder is None:
            return seen
        if closed := closed_to(user, owner):
            return self.unseen([unit], owner, closed)[0]
        service = unit_file.service_of(unit)
        state = states.get(service, {})
        noted = objects.noted(user, unit)
        with system.acting_as(account_of(user)):
            ours = (folder / unit["name"]).exists()
            others = defined_elsewhere(folder, unit["name"])
            seen.differences = [*file_drift(folder, unit), *(f"{path} defines it, too" for path in others)]
            made = objects.differences(user, store_of(user), unit, state, noted=noted, others=lambda: read_units(folder))
        seen.present = ours or bool(others)
        seen.owner = owner if ours else _marked_by(folder, others)
        seen.differences += [*made, *state_drift(service, state, unit_file.should_run(unit))]
        seen.facts = {"service": service, "active": state.get("ActiveState", "unknown"), "ports": unit_file.ports(unit)}
        return seen

    def found(self) -> dict[str, str | None]:
        """Return all units in /etc and in users' homes, podman-systemd.unit(5); one beside the owners' folders has no owner."""
        found: dict[str, str | None] = {}
        for user in users():
            folder = folder_of(user, "")
            with system.acting_as(account_of(user)):
                paths = sorted(folder.rglob("*")) if is_readable(folder) else []
                for path in paths:
                    parts = path.relative_to(folder).parts if folder else ()
                    if is_unit(path.name) and path.is_file():
                        # The administrator's units for users have no owner.
                        in_owners = len(parts) == 2 and not (user == SYSTEM and parts[0] == "users")
                        found[f"{user}/{path.name}"] = parts[0] if in_owners else None
        return found

    def owned_by_others(self, owner: str) -> set[str]:
        return set()  # Units of one name may have several owners; the folder decides.

    def owned_by(self, owner: str) -> list[str]:
        found = []
        for user in users():
            folder = folder_of(user, owner)
            with system.acting_as(account_of(user)):
                entries = list(folder.iterdir()) if is_readable(folder) else []
                units = [entry.name for entry in entries if entry.suffix[1:] in unit_file.SUFFIX and entry.is_file()]
            found += [f"{user}/{name}" for name in sorted(units)]
        return found


def is_unit(path: str) -> bool:
    """Return whether the generator, which reads all files in the folder, would take one for a unit."""
    return path.rsplit(".", 1)[-1] in unit_file.SUFFIX


def defined_elsewhere(folder: Path, name: str) -> list[Path]:
    """Files of that name, or drop-ins for it, that the generator also reads: outside the owner's folder."""
    found = [*folder.parent.rglob(name), *folder.parent.rglob(f"{name}.d/*.conf")] if folder.parent.is_dir() else []
    not_read = {folder, FOR_USERS}
    return sorted(path for path in found if not_read.isdisjoint(path.parents) and path.is_file())


def read_units(folder: Path) -> list[Resource]:
    """The units in an owner's folder, each with its drop-ins; what cannot be read is none, and is drift of its own unit."""
    units: list[Resource] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix[1:] in unit_file.SUFFIX and path.is_file():
            try:
                dropins = {one.name: system.read_text(one) or "" for one in (folder / f"{path.name}.d").glob("*.conf")}
                units.append({"name": path.name, "content": system.read_text(path) or "", "dropins": dropins})
            except OSError:
                continue
    return units


def _marked_by(folder: Path, others: Sequence[Path]) -> str | None:
    """Return the owner of a unit by its folder; a unit beside the owners' folders has none."""
    folders = [path.relative_to(folder.parent).parts[:-1] for path in others if path.suffix != ".conf"]
    return next((parts[0] for parts in folders if parts), None)


def file_drift(folder: Path, unit: Resource) -> list[str]:
    """How a unit's files and drop-ins differ from what is wanted; read with the rights of their owner."""
    wanted = unit_file.files_of(unit)
    differences = []
    for path, text in wanted.items():
        try:
            differences.append(system.text_diff(str(folder / path), system.read_text(folder / path), text))
        except OSError as error:
            differences.append(f"{folder / path}: its user cannot read it: {error.strerror}")
    stray = [path for path in (folder / f"{unit['name']}.d").glob("*.conf") if f"{unit['name']}.d/{path.name}" not in wanted]
    return [*filter(None, differences), *(f"{path} is there, but not wanted" for path in stray)]


def last_edit(folder: Path, unit: Resource) -> float:
    """When a unit's files were written last, in seconds of time(2); where one of them is gone, when the folder was."""
    files = [folder / path for path in unit_file.files_of(unit)]
    places = [*files, folder / f"{unit['name']}.d", *([] if all(path.exists() for path in files) else [folder])]
    return max((path.stat().st_mtime for path in places if path.exists()), default=math.inf)


def lacking(users: dict[str, str], owner: str) -> dict[str, str]:
    """Return the missing prerequisites of resources by name, given the user of each."""
    if not system.installed("podman"):
        return dict.fromkeys(users, "podman is not installed yet; `podman: true` in homelab_host brings it")
    reasons = {user: _lacking(user, owner) for user in {*users.values()} - {SYSTEM}}
    return {name: reasons[user] for name, user in users.items() if reasons.get(user)}


def _lacking(user: str, owner: str) -> str:
    if not manager_runs(user):
        return f"user {user} does not exist or has no systemd running yet; `service_users` sees to that"
    return closed_to(user, owner)


observer = QuadletUnit()
