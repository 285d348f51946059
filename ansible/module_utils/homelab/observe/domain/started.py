"""Parts that a running domain did not get at our own start of it, so that another start would not apply them either.

It is kept until the host's next boot, after which libvirt numbers its starts anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core import records, system

FOLDER = Path("/run/homelab/started")


def left(domain: Any) -> dict[str, str]:
    """The parts that were not as wanted after this start, each as its text; none where somebody else started it."""
    known = records.parsed(system.read_text(_file_of(domain))) or {}
    return dict(known.get("left", {})) if known.get("id") == domain.ID() else {}


def keep(domain: Any, parts: Mapping[str, str]) -> None:
    """Keep that of a domain which we have just started."""
    path = _file_of(domain)
    system.remove_file(path)
    if parts:
        system.make_folder(FOLDER, mode=0o700)
        system.write_text(path, json.dumps({"id": domain.ID(), "left": dict(parts)}), mode=0o600)


def _file_of(domain: Any) -> Path:
    return FOLDER / f"{domain.UUIDString()}.json"
