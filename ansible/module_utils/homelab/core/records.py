"""Records of what was applied, on the host itself: /var/lib/homelab/<owner>/<kind>/<name>.json (root, 0600).

A record proves that an object is ours when its owner was lost, holds `on_delete`, and shows which
configuration was last applied with success (an equal file alone does not prove that).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from . import system

ROOT = Path("/var/lib/homelab")

Record = dict[str, Any]
# Owner, kind and name of a recorded resource.
Recorded = tuple[str, str, str]


def _path(owner: str, kind: str, name: str) -> Path:
    return ROOT / owner / kind / f"{quote(name, safe='', errors='surrogateescape')}.json"


def read(owner: str, kind: str, name: str) -> Record | None:
    """The record of one unit; None when there is none (or it is unreadable, which counts as none)."""
    return parsed(system.read_text(_path(owner, kind, name)))


def parsed(text: str | None) -> Record | None:
    """Return the content of a record's file; None when it has none."""
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def names(owner: str, kind: str) -> list[str]:
    """The names of all units of a kind that this owner has a record of."""
    folder = ROOT / owner / kind
    return sorted(unquote(path.stem, errors="surrogateescape") for path in folder.glob("*.json")) if folder.is_dir() else []


def paths(owner: str, kind: str, prefix: str = "") -> list[str]:
    """The paths that an owner's units of a kind have, of those whose names begin so."""
    found = [read(owner, kind, name) or {} for name in names(owner, kind) if name.startswith(prefix)]
    return [str(one["path"]) for one in found if one.get("path")]


def of_all(kind: str, name: str) -> list[Record]:
    """The records that owners have of one unit; one, unless it was handed over."""
    found = [read(folder.name, kind, name) for folder in sorted(ROOT.glob("*")) if folder.is_dir()]
    return [record for record in found if record is not None]


def owner_of(kind: str, name: str) -> str | None:
    """Return the owner with a record of a resource; None where there is none."""
    return next((folder.name for folder in sorted(ROOT.glob("*")) if read(folder.name, kind, name) is not None), None)


def everything(kinds: Iterable[str], prefix: str = "") -> list[Recorded]:
    """Return what all owners have records of, of these kinds, with names that begin so."""
    found = [(owner, kind, name) for owner in owners() for kind in kinds for name in names(owner, kind)]
    return [one for one in found if one[2].startswith(prefix)]


def owners() -> list[str]:
    """All owners who have records."""
    return sorted(folder.name for folder in ROOT.glob("*") if folder.is_dir())


def other_owner(owner: str, kind: str, name: str) -> str | None:
    """Return the owner of a resource of which this owner has no record; None where nobody has one."""
    owners = [folder.name for folder in sorted(ROOT.glob("*")) if read(folder.name, kind, name) is not None]
    return None if owner in owners or not owners else owners[0]


def hand_over(owner: str, kind: str, name: str) -> None:
    """Forget a unit for all other owners: it was taken over, and is no longer theirs to remove."""
    for folder in ROOT.glob("*"):
        if folder.name != owner and read(folder.name, kind, name) is not None:
            remove(folder.name, kind, name)


def write(owner: str, kind: str, name: str, record: Record) -> None:
    """Keep a record; an equal one is left as it is."""
    if read(owner, kind, name) == record:
        return
    path = _path(owner, kind, name)
    system.make_folder(path.parent, mode=0o700)
    system.write_text(path, json.dumps(record, sort_keys=True, indent=1) + "\n", mode=0o600)


def remove(owner: str, kind: str, name: str) -> None:
    """Forget a unit, and the folders that this leaves empty."""
    system.remove_file(_path(owner, kind, name), empty_parents_below=os.path.dirname(ROOT))
