"""What was applied, on the host itself: /var/lib/homelab/<owner>/<kind>/<name>.json (root, 0600).

A record proves that an object is ours when its mark was lost, holds `on_delete`, and says which
configuration was last applied with success (an equal file alone does not prove that).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from . import system

ROOT = Path("/var/lib/homelab")

Record = dict[str, Any]


def _path(owner: str, kind: str, name: str) -> Path:
    return ROOT / owner / kind / f"{quote(name, safe='')}.json"


def read(owner: str, kind: str, name: str) -> Record | None:
    """The record of one unit; None when there is none (or it is unreadable, which counts as none)."""
    text = system.read_text(_path(owner, kind, name))
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def names(owner: str, kind: str) -> list[str]:
    """The names of all units of a kind that this owner has a record of."""
    folder = ROOT / owner / kind
    return sorted(unquote(path.stem) for path in folder.glob("*.json")) if folder.is_dir() else []


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
