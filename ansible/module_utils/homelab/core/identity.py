"""Under which name an owner's inventory knows this machine. The same machine under two names would be set up as one and stripped as
the other.

The name is kept on the machine, /var/lib/homelab/<owner>/inventory-host/host.json (root, 0600), as {name, claimed?}; `claimed` is
another name under which it was addressed meanwhile.
"""

from __future__ import annotations

from typing import Any

from . import records
from .specification import KINDS

KIND = "inventory-host"
NAME = "host"

Run = dict[str, Any]


def conflict(owner: str, run: Run, *, removing: bool = False) -> str:
    """Return why a run {host, renamed_from} must not change this machine, else ''. A run without `host` is not compared."""
    known = records.read(owner, KIND, NAME)
    host = run.get("host")
    if known is None or host is None:
        return ""
    if known["name"] not in (host, run.get("renamed_from")):
        return (
            f"This machine is host '{known['name']}' of owner '{owner}' so far, and '{host}' now. If the host was renamed, declare "
            f"`homelab_renamed_from: {known['name']}` in host_vars/{host}.yml; otherwise ssh_config leads '{host}' to the wrong machine. "
            "Nothing was changed"
        )
    if removing and (other := known.get("claimed")):
        return (
            f"This machine was addressed as host '{other}', too, so it is not gone. If '{host}' was renamed, declare "
            f"`homelab_renamed_from: {host}` in host_vars/{other}.yml; otherwise apply '{host}' once more. Nothing was removed"
        )
    return ""


def claim(owner: str, run: Run) -> None:
    """Remember that a run addressed this machine by another name than the known one."""
    known = records.read(owner, KIND, NAME) or {}
    records.write(owner, KIND, NAME, {**known, "claimed": run["host"]})


def keep(owner: str, run: Run) -> None:
    """Remember the name by which a run applied this machine."""
    if run.get("host") is not None:
        records.write(owner, KIND, NAME, {"name": run["host"]})


def forget(owner: str) -> None:
    """Forget the name once the owner has nothing on this machine any longer."""
    if not any(records.names(owner, kind) for kind in KINDS):
        records.remove(owner, KIND, NAME)
