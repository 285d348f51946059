"""Users of Quadlet units, and the folders of an owner's units, podman-systemd.unit(5)."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from ...core import records, system
from ...core.observer import Resource
from ...core.user_process import as_user

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
    """Return why nothing of a user can be read: it cannot enter a folder on the way to its units or to Podman's store, path_resolution(7).

    Raise OSError when its home does not answer.
    """
    folder = folder_of(user, owner)
    if folder is None:
        return ""
    places = [one for place in (folder, store_of(user)) for one in (*reversed(place.parents), place)]

    def closed() -> str:
        return next((str(one) for one in places if one.is_dir() and not os.access(one, os.X_OK, effective_ids=True)), "")

    where = as_user(account_of(user), closed)
    return f"user {user} cannot enter {where}, which should be its own" if where else ""


def why_of(user: str, error: Exception) -> str:
    """Return what went wrong with a user."""
    text = str(error) if isinstance(error, (OSError, system.CommandError)) else f"{type(error).__name__}: {error}"
    return f"user {user}: {text}"


def recorded_of(user: str, kind: str) -> dict[str, str | None]:
    """Return the names of a user's resources of a kind that owners have records of, with the owners."""
    names = [(name, owner) for owner in records.owners() for name in records.names(owner, kind)]
    return {name.split("/", 1)[1]: owner for name, owner in names if name.startswith(f"{user}/")}
