"""Observes users that run rootless services. A unit is {name, uid, subids: {start, count}, limits, on_delete}."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from ..core import records, system
from ..core.observer import Observation, Observer, Resource
from . import user_limits

MARK = "homelab/"
KEPT = "/kept"
SHELL = "/usr/sbin/nologin"
SHADOW = "/etc/shadow"
LINGER = Path("/var/lib/systemd/linger")


class ServiceUser(Observer):
    """Reads accounts, subordinate ids and linger. GECOS has the owner: `homelab/<owner>` (it may contain no colon)."""

    kind = "service-user"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return [self._observe(resource, owner) for resource in resources]

    def _observe(self, resource: Resource, owner: str) -> Observation:
        account = find(resource["name"])
        if account is None or account.pw_gecos == MARK + owner + KEPT:
            return Observation(resource["name"])
        seen = Observation(resource["name"], present=True, owner=_owner(account.pw_gecos))
        wanted = {"uid": resource["uid"], "home": f"/home/{resource['name']}", "shell": SHELL, "comment": MARK + owner}
        has = {"uid": account.pw_uid, "home": account.pw_dir, "shell": account.pw_shell, "comment": account.pw_gecos}
        seen.differences = [f"{key} is {has[key]}, wanted {value}" for key, value in wanted.items() if has[key] != value]
        for file in ("/etc/subuid", "/etc/subgid"):
            ranges = [(start, count) for name, start, count in subordinates(file) if name == resource["name"]]
            if ranges != [(resource["subids"]["start"], resource["subids"]["count"])]:
                seen.differences.append(f"{file} has {ranges or 'nothing'}, wanted {resource['subids']}")
        if expires(resource["name"]):
            seen.differences.append("the account has an end (chage -l), wanted without one")
        if not (LINGER / resource["name"]).exists():
            seen.differences.append("linger is off, wanted on")
        if not os.path.isdir(account.pw_dir) or os.stat(account.pw_dir).st_uid != account.pw_uid:
            seen.differences.append(f"{account.pw_dir} is missing or not the user's own")
        if not system.answers(f"/run/user/{account.pw_uid}/systemd/private"):
            seen.differences.append("its systemd manager does not run")
        seen.differences += user_limits.differences(resource, owner)
        seen.facts = {"uid": account.pw_uid, "home": account.pw_dir}
        return seen

    def record_of(self, resource: Resource) -> records.Record:
        return {**super().record_of(resource), "subids": resource["subids"], **user_limits.recorded(resource)}

    def found(self) -> dict[str, str | None]:
        """Return all users with a record, those that are kept although no longer declared included."""
        accounts = [account for account in pwd.getpwall() if is_person(account)]
        kept = {account.pw_name: f"{_owner(account.pw_gecos)} (kept)" for account in accounts if account.pw_gecos.endswith(KEPT)}
        return {**{account.pw_name: _owner(account.pw_gecos) for account in accounts}, **kept}

    def owned_by_others(self, owner: str) -> set[str]:
        return {account.pw_name for account in pwd.getpwall() if _owner(account.pw_gecos) not in (None, owner)}

    def owned_by(self, owner: str) -> list[str]:
        return [account.pw_name for account in pwd.getpwall() if account.pw_gecos == MARK + owner]


def is_person(account: pwd.struct_passwd) -> bool:
    """Whether an account is a user's, by its uid as Debian gives them (login.defs(5)), not the system's."""
    return 1000 <= account.pw_uid < 60000 or account.pw_gecos.startswith(MARK)


def find(name: str) -> pwd.struct_passwd | None:
    """A user's account, None when there is none."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _shadow(name: str) -> list[str]:
    """The fields of an account in /etc/shadow, shadow(5); none where it is not there."""
    lines = (line.split(":") for line in (system.read_text(SHADOW) or "").splitlines())
    return next((fields for fields in lines if fields[0] == name and len(fields) == 9), [])


def expires(name: str) -> bool:
    """Return whether an account has a date after which it is off."""
    return bool(_shadow(name) and _shadow(name)[7])


def has_password(name: str) -> bool:
    """Return whether somebody can log in to an account with a password."""
    return bool(_shadow(name) and _shadow(name)[1][:1] not in ("!", "*"))


def subordinates(file: str) -> list[tuple[str, int, int]]:
    """The lines of /etc/subuid or /etc/subgid as (name, start, count), subuid(5)."""
    lines = [line.split(":") for line in (system.read_text(file) or "").splitlines()]
    return [(line[0], int(line[1]), int(line[2])) for line in lines if len(line) == 3]


def _owner(gecos: str) -> str | None:
    if not gecos.startswith(MARK):
        return None
    return gecos.removeprefix(MARK).removesuffix(KEPT)


observer = ServiceUser()
