"""Users of Quadlet units, and the folders of an owner's units, podman-systemd.unit(5)."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from ...core import system
from ...core.observer import Resource

SYSTEM = "system"


def user_of(unit: Resource) -> str:
    """Return the user who runs a unit."""
    return str(unit.get("user") or SYSTEM)


def users() -> list[str]:
    """Return everyone who may have units: the system and the users."""
    return [SYSTEM, *(account.pw_name for account in pwd.getpwall() if 1000 <= account.pw_uid < 60000)]


def by_user(units: Sequence[Resource]) -> list[tuple[str, list[Resource]]]:
    """Units by who runs them."""
    users = dict.fromkeys(user_of(unit) for unit in units)
    return [(user, [unit for unit in units if user_of(unit) == user]) for user in users]


def account_of(user: str) -> pwd.struct_passwd | None:
    """A user's account; None for the system, whose files and services are root's."""
    return None if user == SYSTEM else pwd.getpwnam(user)


def folder_of(user: str, owner: str) -> Path | None:
    """Where an owner's units of a user lie; None when there is no such user."""
    if user == SYSTEM:
        return Path("/etc/containers/systemd") / owner
    try:
        return Path(pwd.getpwnam(user).pw_dir) / ".config/containers/systemd" / owner
    except KeyError:
        return None


def store_of(user: str) -> Path:
    """Where a user's Podman keeps what it has, containers-storage.conf(5)."""
    account = account_of(user)
    return Path(account.pw_dir) / ".local/share/containers/storage" if account else Path("/var/lib/containers/storage")


def closed_to(user: str, owner: str = "") -> str:
    """Why nothing of a user can be looked at: a folder on the way to its units or to Podman's store is closed to it, path_resolution(7)."""
    folder = folder_of(user, owner)
    if folder is None:
        return ""
    with system.acting_as(account_of(user)):
        for place in (folder, store_of(user)):
            for one in (*reversed(place.parents), place):
                if one.is_dir() and not os.access(one, os.X_OK, effective_ids=True):
                    return f"user {user} cannot enter {one}, which should be its own"
    return ""


def is_readable(folder: Path | None) -> TypeGuard[Path]:
    """Whether a folder is there and whoever looks may look: of what its user cannot read, nothing is generated."""
    return folder is not None and os.access(folder, os.R_OK | os.X_OK, effective_ids=True)
