"""Observes Quadlet units, rootless and system-wide.

A unit is {user?, name, sections | content, dropins?, files?, running?, restart, on_delete}. Its files lie in
`containers/systemd/<owner>/`, which is the mark; the generator reads subfolders too (podman-systemd.unit(5)).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from . import account, quadlet, records, system
from .account import SYSTEM, Account
from .kind import Kind, Observation, Unit

PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,Type,Job,InvocationID,SourcePath,FragmentPath,ExecMainStartTimestampMonotonic"

State = dict[str, str]


class QuadletUnit(Kind):
    """Reads unit files and the state of their services, per user with one call of systemctl(1)."""

    kind = "quadlet-unit"
    defaults: ClassVar[Unit] = {"restart": "allowed", "on_delete": "keep"}

    def name_of(self, unit: Unit) -> str:
        return f"{user_of(unit)}/{unit['name']}"

    def normalise(self, unit: Unit, contents: dict[str, str]) -> Unit:
        whole = super().normalise(unit, contents)
        source = whole.pop("source", None)
        if source is not None:
            whole.update(name=whole.get("name") or os.path.basename(source), content=contents[source])
        if "files" in whole:
            files = whole["files"].items()
            whole["files"] = {path: text if isinstance(text, str) else contents[text["source"]] for path, text in files}
        return whole

    def record_of(self, unit: Unit) -> records.Record:
        return {
            "on_delete": unit["on_delete"],
            "restart": unit["restart"],
            "digest": quadlet.digest(unit),
            "object": quadlet.object_digest(unit),
            "files": sorted(quadlet.files_of(unit)),
            "service": quadlet.service_of(unit),
        }

    def observe(self, units: Sequence[Unit], owner: str) -> list[Observation]:
        found: dict[str, Observation] = {}
        for user in dict.fromkeys(user_of(unit) for unit in units):
            mine = [unit for unit in units if user_of(unit) == user]
            runner = account.find(user)
            if runner is None:
                found.update({self.name_of(unit): Observation(self.name_of(unit)) for unit in mine})
                continue
            states = service_states(runner, [quadlet.service_of(unit) for unit in mine])
            with runner.rights():
                found.update({self.name_of(unit): self._observe(unit, owner, runner, states) for unit in mine})
        return [found[self.name_of(unit)] for unit in units]

    def _observe(self, unit: Unit, owner: str, runner: Account, states: dict[str, State]) -> Observation:
        folder, service = runner.quadlets() / owner, quadlet.service_of(unit)
        state = states.get(service, {})
        path = str(folder / unit["name"])
        seen = Observation(self.name_of(unit), present=os.path.lexists(path), marked_by=None)
        if seen.present or (state.get("SourcePath") == path and state.get("ActiveState") != "inactive"):
            seen.present, seen.marked_by = True, owner
        seen.drift = file_drift(unit, folder, runner)
        origin = origin_of(state)
        if origin and origin != path:
            seen.marked_by = seen.marked_by or owner_of(origin, runner)
            seen.present = True
            seen.drift.append(f"{service} is made by {origin}, wanted by {path}")
        elif runner.manager_runs():
            seen.drift += state_drift(service, state, quadlet.should_run(unit))
        else:
            seen.drift.append(f"the systemd manager of {runner.name} does not run")
        seen.facts = {"service": service, "active": state.get("ActiveState", "unknown"), "ports": quadlet.ports(unit)}
        return seen

    def marked(self, owner: str) -> list[str]:
        found = []
        for name in [SYSTEM, *(entry.pw_name for entry in pwd.getpwall() if 1000 <= entry.pw_uid < 60000)]:
            runner = account.find(name)
            assert runner is not None
            with runner.rights():
                found += [f"{name}/{unit['name']}" for unit in installed_units(runner, owner)]
        return found


def user_of(unit: Unit) -> str:
    """The user whose unit it is."""
    return str(unit.get("user") or SYSTEM)


def file_drift(unit: Unit, folder: Path, runner: Account) -> list[str]:
    """How the files on the host differ from those wanted. Call it with the user's rights."""
    drift = []
    wanted = quadlet.files_of(unit)
    for path, text in wanted.items():
        have, complaint = runner.read(folder / path)
        drift += [complaint] if complaint else []
        drift += [system.text_diff(str(folder / path), have, text)] if have is not None or not complaint else []
    drift += [f"{folder / path} is there, but not wanted" for path in dropins_on_host(folder, unit["name"]) if path not in wanted]
    return [text for text in drift if text]


def dropins_on_host(folder: Path, name: str) -> list[str]:
    """The drop-ins that lie beside a unit, by their path in the folder."""
    return sorted(f"{name}.d/{path.name}" for path in (folder / f"{name}.d").glob("*.conf"))


def installed_units(runner: Account, owner: str) -> list[Unit]:
    """The units in an owner's folder as {name, content, dropins}. Call it with the user's rights."""
    folder = runner.quadlets() / owner
    try:
        names = sorted(name for name in os.listdir(folder) if name.rsplit(".", 1)[-1] in quadlet.SUFFIX)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    units = []
    for name in names:
        dropins = {os.path.basename(path): runner.read(folder / path)[0] or "" for path in dropins_on_host(folder, name)}
        units.append({"name": name, "content": runner.read(folder / name)[0] or "", "dropins": dropins})
    return units


def state_drift(service: str, state: State, should_run: bool | None) -> list[str]:
    """How a service's state differs from what its unit asks for."""
    load, active = state.get("LoadState", "unknown"), state.get("ActiveState", "unknown")
    if quadlet.is_template(service):
        return []
    if load != "loaded":
        return [f"{service}: systemd says it is {load}, wanted loaded"]
    if should_run and not runs(state):
        return [f"{service} is {active} ({state.get('SubState', 'unknown')}, {state.get('Result', 'unknown')}), wanted active"]
    if should_run is False and active not in ("inactive", "failed"):
        return [f"{service} is {active}, wanted stopped"]
    return []


def runs(state: State) -> bool:
    """Whether a service does what it should: it is active, or it is a oneshot that did its work."""
    return state.get("ActiveState") in ("active", "reloading") or is_done(state)


def is_done(state: State) -> bool:
    """Whether a service of Type=oneshot ran since the boot and ended well."""
    ran = state.get("ExecMainStartTimestampMonotonic", "0") not in ("", "0")
    ended = state.get("ActiveState") == "inactive" and state.get("Result") == "success"
    return state.get("Type") == "oneshot" and ran and ended


def origin_of(state: State) -> str:
    """The file that a loaded service is made from."""
    return (state.get("SourcePath") or state.get("FragmentPath") or "") if state.get("LoadState") == "loaded" else ""


def owner_of(path: str, runner: Account) -> str | None:
    """The owner whose folder a Quadlet file lies in; None for nobody's."""
    parts = Path(path).relative_to(runner.quadlets()).parts if Path(path).is_relative_to(runner.quadlets()) else ()
    return parts[0] if len(parts) == 2 and parts[0] in records.owners() else None


def service_states(runner: Account, services: Sequence[str]) -> dict[str, State]:
    """The state of services by name; a user whose manager does not run has none."""
    asked = [service for service in dict.fromkeys(services) if not quadlet.is_template(service)]
    if not asked or not runner.manager_runs():
        return {}
    shown = runner.systemctl("show", "-p", PROPERTIES, *asked, check=True)
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in shown.split("\n\n")]
    # An alias is shown under its own name, so the order counts, not the Id.
    return dict(zip(asked, [block for block in blocks if block], strict=True))


observer = QuadletUnit()
