"""Whether a volume's file may be removed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection

from ..core import records
from ..observe.disk_users import users_of
from ..observe.volume import inode_of


def forget(record: records.Record) -> None:
    """Remove a volume's file where `on_delete: destroy` was applied; otherwise it stays. Raise OSError while a guest uses it."""
    if path := file_of(record):
        os.unlink(path)
    if path := record.get("path"):
        remove_unfinished(path)


def unfinished_of(path: str) -> str:
    """Return the path under which a volume is made."""
    return f"{os.path.dirname(path)}/.homelab-{os.path.basename(path)}"


def remove_unfinished(path: str) -> None:
    """Remove what a killed run left of a volume: a part of it, or another name of the whole, which would outlive its removal."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unfinished_of(path))


def file_of(record: records.Record, leaving: Collection[str] = ()) -> str | None:
    """Return the file to remove with a volume, if any. Raise OSError while a guest uses it that is not `leaving` itself."""
    path = record.get("path")
    if record.get("on_delete") != "destroy" or not path or not os.path.lexists(path):
        return None
    if record.get("inode") not in (None, inode_of(path)):
        raise OSError(f"{path} is another file than the one that was made; see to it by hand")
    if users := [user.name for user in users_of(path) if user.name not in leaving]:
        raise OSError(f"{path} is a disk of domain {users[0]}; take it out there first")
    return str(path)
