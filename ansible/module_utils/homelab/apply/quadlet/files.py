"""Writes and removes the files of Quadlet units."""

from __future__ import annotations

import pwd
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from ...core import records, system
from ...core.observer import Resource
from ...core.user_process import as_user
from ...observe.quadlet import home, objects, unit_file
from ...observe.quadlet.home import defined_elsewhere
from ...observe.quadlet.users import store_of
from ..writer import Change, Errors
from .plan import past_of
from .services import Services


def applied_units(user: str, owner: str, *, own: bool = True) -> list[Resource]:
    """Return the units of a user that others, and with `own` this owner, have applied.

    A file that nobody applied counts for nothing: its user may write one that names any unit.
    """
    units = [*home.units_beside(user, owner), *(home.units_of(user, owner) if own else [])]
    return [unit for unit in units if records.of_all("quadlet-unit", f"{user}/{unit['name']}")]


def note_images(services: Services, units: Sequence[Resource]) -> None:
    """Remember which images those units got whose service ran since, so that another one is seen."""
    named = [(unit, name) for unit in units if (name := objects.image_of(unit))]
    states = services.states([unit for unit, _ in named])
    store = store_of(services.user)
    images = as_user(services.account, lambda: objects.images(store)) or {}
    for unit, name in named:
        state = states[unit["name"]]
        ran = state.get("ActiveState") == "active" and objects.noted(services.user, unit).get("run") != state.get("InvocationID")
        if ran and name in images:
            objects.note(services.user, unit, images[name], state)


def write_all(folder: Path, changes: Sequence[Change], account: pwd.struct_passwd | None) -> Errors:
    """Write units' files as their user. Return why one is not written, by name; it costs no other."""
    ids = {"uid": account.pw_uid, "gid": account.pw_gid} if account else {}

    def work() -> Errors:
        failed: Errors = {}
        for change in changes:
            try:
                write(folder, change, ids)
            except OSError as error:
                failed[change.resource["name"]] = f"it cannot be written: {error}"
        return failed

    return as_user(account, work)


def write(folder: Path, change: Change, ids: dict[str, int]) -> None:
    """Write a unit's files, and remove those of earlier applies that are no longer wanted."""
    name, wanted = change.resource["name"], unit_file.files_of(change.resource)
    there = [f"{name}.d/{path.name}" for path in (folder / f"{name}.d").glob("*.conf")]
    for path in {*chain.from_iterable(one["files"] for one in past_of(change.record)), *there} - set(wanted):
        system.remove_file(folder / path, empty_parents_below=folder)
    for other in defined_elsewhere(folder, name):
        if _is_taken_over(change.resource, other.relative_to(folder.parent)):
            system.remove_file(other, empty_parents_below=folder.parent)
    if not ids and folder.is_dir():
        # The system's units may name what no other user is to read; a home is closed by itself.
        folder.chmod(0o700)
    for path, text in wanted.items():
        if not has_text(folder / path, text):
            system.make_folder(folder.parent, **ids)
            system.make_folder(folder, mode=0o755 if ids else 0o700, **ids)
            system.make_folder((folder / path).parent, **ids)
            system.write_text(folder / path, text, **ids)


def _is_taken_over(resource: Resource, path: Path) -> bool:
    """Whether a definition beside the unit's goes with an adoption; `path` is below the folder of all owners."""
    owner = path.parts[0] if len(path.parts) > 1 else None
    return resource.get("adopt_from") == owner if owner else bool(resource.get("adopt"))


def has_text(path: Path, text: str) -> bool:
    """Whether a file is as wanted. One that its user cannot read is not; it can be replaced, since its folder is the user's."""
    try:
        return system.read_text(path) == text
    except PermissionError:
        return False


def remove_files(folder: Path, paths: set[str], services: Services) -> None:
    """Remove a unit's files, and the folders that this leaves empty."""
    for path in paths:
        system.remove_file(folder / path, empty_parents_below=services.account.pw_dir if services.account else "/etc")
