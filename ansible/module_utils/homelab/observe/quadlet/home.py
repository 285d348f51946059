"""Reads the Quadlet files of a user: with the user's rights, and within limits, since whatever lies there is the user's.

Functions that take a folder are for the user's own process (core/user_process.py); those that take a user begin one.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core import system
from ...core.observer import Resource
from ...core.user_process import as_user
from . import objects, unit_file
from .users import SYSTEM, account_of, folder_of, store_of

# The administrator's units for users; the system's generator ignores them, podman-systemd.unit(5).
FOR_USERS = Path("/etc/containers/systemd/users")
# Files and folders below one folder of units, and the bytes of all units in one owner's.
MOST_ENTRIES = 5000
LARGEST_UNITS = 1024 * 1024

Found = dict[str, Any]


def units_of(user: str, owner: str) -> list[Resource]:
    """Return the units in an owner's folder of a user. Raise OSError where they cannot be read."""
    folder = folder_of(user, owner)
    return as_user(account_of(user), lambda: read_units(folder)) if folder else []


def units_beside(user: str, owner: str) -> list[Resource]:
    """Return the units of a user that are not the owner's, which the owner's may name. Raise OSError."""
    folder = folder_of(user, owner)
    if folder is None:
        return []

    def work() -> list[Resource]:
        places = [folder.parent, *(path for path in folder.parent.glob("*/") if path != folder)]
        return [unit for place in places for unit in read_units(place)]

    return as_user(account_of(user), work)


def look(user: str, folder: Path, units: Sequence[Resource], states: Mapping[str, Mapping[str, str]]) -> dict[str, Found]:
    """Return for each unit of a user, by its name, {ours, others, differences}; `states` are those of the services by name.

    `ours` tells whether the owner's folder has the unit, `others` are the paths of other definitions of it. Raise OSError.
    """
    store = store_of(user)
    noted = {unit["name"]: objects.noted(user, unit) for unit in units}

    def seen(unit: Resource, entries: Sequence[Path]) -> Found:
        others = defined_elsewhere(folder, unit["name"], entries)
        state = states.get(unit_file.service_of(unit), {})
        made = objects.differences(user, store, unit, state, noted=noted[unit["name"]], others=lambda: read_units(folder))
        differences = [*file_drift(folder, unit), *(f"{path} defines it, too" for path in others), *made]
        return {"ours": (folder / unit["name"]).exists(), "others": list(map(str, others)), "differences": differences}

    def work() -> dict[str, Found]:
        entries = list(entries_below(folder.parent))
        return {unit["name"]: seen(unit, entries) for unit in units}

    return as_user(account_of(user), work)


def names_in(user: str, owner: str = "") -> dict[str, str | None]:
    """Return the names of a user's units with their owners, of one owner's folder or of all; None outside of the owners' folders.

    Raise OSError.
    """
    folder = folder_of(user, owner)
    parent = folder_of(user, "")
    if folder is None or parent is None:
        return {}

    def owner_of(path: Path) -> str | None:
        parts = path.relative_to(parent).parts
        # The administrator's units for users have no owner.
        return parts[0] if len(parts) == 2 and not (user == SYSTEM and parts[0] == "users") else None

    def work() -> dict[str, str | None]:
        paths = [path for path in sorted(entries_below(folder)) if is_unit(path.name) and path.is_file()]
        return {path.name: owner_of(path) for path in paths if not owner or path.parent == folder}

    return as_user(account_of(user), work)


def entries_below(folder: Path) -> Iterator[Path]:
    """Yield files and folders at any depth, without following links; a folder that its user cannot read is empty to the generator.

    Raise OSError for more than MOST_ENTRIES.
    """
    pending, count = [folder], 0
    while pending:
        with contextlib.suppress(PermissionError, FileNotFoundError, NotADirectoryError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                count += 1
                if count > MOST_ENTRIES:
                    raise OSError(f"{folder} has more than {MOST_ENTRIES} files and folders")
                yield Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))


def is_unit(path: str) -> bool:
    """Return whether the generator, which reads all files in the folder, would take one for a unit."""
    return path.rsplit(".", 1)[-1] in unit_file.SUFFIX


def defined_elsewhere(folder: Path, name: str, entries: Sequence[Path] | None = None) -> list[Path]:
    """Return files of that name, or drop-ins for it, that the generator also reads: outside the owner's folder.

    `entries` are those below the folder of all owners, where they have been read.
    """
    everything = entries_below(folder.parent) if entries is None else entries
    found = [path for path in everything if path.name == name or (path.parent.name == f"{name}.d" and path.suffix == ".conf")]
    not_read = {folder, FOR_USERS}
    return sorted(path for path in found if not_read.isdisjoint(path.parents) and path.is_file())


def read_units(folder: Path) -> list[Resource]:
    """Return the units in an owner's folder with their drop-ins. A file that cannot be read is none, and is drift of its own unit.

    Raise OSError for more than LARGEST_UNITS.
    """
    files = {path: text for path in sorted(entries_below(folder)) if _is_text(folder, path) and (text := _text(path)) is not None}
    if sum(map(len, files.values())) > LARGEST_UNITS:
        raise OSError(f"the units in {folder} are larger than {LARGEST_UNITS // 1024} KiB")
    units = [path for path in files if path.parent == folder]
    return [
        {
            "name": unit.name,
            "content": files[unit],
            "dropins": {path.name: text for path, text in files.items() if path.parent.name == f"{unit.name}.d"},
        }
        for unit in units
    ]


def _is_text(folder: Path, path: Path) -> bool:
    """Whether a file is a unit in a folder, or a drop-in of one."""
    is_dropin = path.parent.parent == folder and path.parent.suffix == ".d" and path.suffix == ".conf"
    return (is_dropin or (path.parent == folder and is_unit(path.name))) and path.is_file()


def _text(path: Path) -> str | None:
    try:
        return system.read_text(path, LARGEST_UNITS)
    except OSError:
        return None


def file_drift(folder: Path, unit: Resource) -> list[str]:
    """Return how a unit's files and drop-ins differ from the wanted ones."""
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
    """Return when a unit's files were written last, in seconds of time(2); where one of them is gone, when the folder was."""
    files = [folder / path for path in unit_file.files_of(unit)]
    places = [*files, folder / f"{unit['name']}.d", *([] if all(path.exists() for path in files) else [folder])]
    return max((path.stat().st_mtime for path in places if path.exists()), default=math.inf)
