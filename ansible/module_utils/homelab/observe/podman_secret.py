"""Observes Podman secrets, podman-secret(1). A unit is {user?, name, digest}; its value never comes here.

`digest` is the HMAC-SHA-256 of the value under the inventory's own key, in hexadecimal. The secret has it as the
label `homelab.hmac`, beside `homelab.owner`, which is the mark.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from ..core import records, system
from ..core.observer import Observation, Observer, Resource
from ..core.user_process import as_user
from .quadlet.states import manager_runs
from .quadlet.users import SYSTEM, account_of, by_user, closed_to, recorded_of, store_of, user_of, why_of

OWNER = "homelab.owner"
HMAC = "homelab.hmac"
# Where Podman keeps secrets, unless its storage.conf sets another folder; only users with the folder are asked.
ROOTS_STORE = Path("/var/lib/containers/storage/secrets")
USERS_STORE = ".local/share/containers/storage/secrets"

Labels = dict[str, str]


class PodmanSecret(Observer):
    """Asks each user's Podman once for its secrets and their labels."""

    kind = "podman-secret"

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Labels]] = {}

    def name_of(self, unit: Resource) -> str:
        return f"{user_of(unit)}/{unit['name']}"

    def record_of(self, unit: Resource) -> records.Record:
        return {"digest": unit["digest"]}

    def observe(self, units: Sequence[Resource], owner: str) -> list[Observation]:
        self.forget()
        found = {seen.name: seen for user, mine in by_user(units) for seen in self._of_user(user, mine, owner)}
        return [found[self.name_of(unit)] for unit in units]

    def _of_user(self, user: str, units: Sequence[Resource], owner: str) -> list[Observation]:
        """Observe the secrets of one user. Whatever is wrong with a user costs no other."""
        try:
            if reason := why_not_asked(user):
                # The record shows whether there is a secret of ours.
                return self.unseen(units, owner, f"{reason}, so its secrets cannot be read")
            return [self._observation(unit, owner, self.secrets(user).get(unit["name"])) for unit in units]
        except Exception as error:
            return self.unknown(units, why_of(user, error))

    def _observation(self, unit: Resource, owner: str, labels: Labels | None) -> Observation:
        seen = Observation(self.name_of(unit))
        if labels is not None:
            seen.present = True
            seen.owner = labels.get(OWNER)
            seen.differences = drift_of(labels, unit, owner)
        return seen

    def secrets(self, user: str) -> dict[str, Labels]:
        """The labels of a user's secrets, by their names."""
        if user not in self._found:
            self._found[user] = read_secrets(user)
        return self._found[user]

    def forget(self) -> None:
        """Ask again from now on: something was changed."""
        self._found = {}

    def found(self) -> dict[str, str | None]:
        """Return the secrets of all users; from records where a user's Podman cannot be asked."""
        recorded = {user for owner in records.owners() for name in records.names(owner, self.kind) for user in name.split("/")[:1]}
        found: dict[str, str | None] = {}
        for user in sorted({*recorded, *users_with_secrets()}):
            try:
                asked = not why_not_asked(user)
                names = {name: labels.get(OWNER) for name, labels in self.secrets(user).items()} if asked else _unowned(user)
            except Exception as error:
                names = _unowned(user)
                self.unread = {**self.unread, user: why_of(user, error)}
            found |= {f"{user}/{name}": owner for name, owner in names.items()}
        return found


def _unowned(user: str) -> dict[str, str | None]:
    """Return a user's recorded secrets, without the owners that the records name."""
    return dict.fromkeys(recorded_of(user, PodmanSecret.kind))


def drift_of(labels: Labels, unit: Resource, owner: str) -> list[str]:
    """How a secret's labels differ from those that the wanted value has."""
    mark = labels.get(OWNER)
    differences = [] if mark == owner else [f"label {OWNER} is {mark or 'missing'}, wanted {owner}"]
    return differences if labels.get(HMAC) == unit["digest"] else [*differences, f"its value is not the wanted one, by its label {HMAC}"]


def read_secrets(user: str) -> dict[str, Labels]:
    """Return the secrets of a user's Podman; none where the user or Podman is missing. Never a value."""
    if not system.installed("podman"):
        return {}
    account = account_of(user) if user_exists(user) else None
    if account is None and user != SYSTEM:
        return {}
    if not uses_podman(user, account):
        return {}
    ids = system.run(["podman", "secret", "ls", "--format", "{{.ID}}"], account=account).stdout.split()
    return labels_in(system.run(["podman", "secret", "inspect", *ids], account=account).stdout) if ids else {}


def uses_podman(user: str, account: pwd.struct_passwd | None) -> bool:
    """Whether Podman has a place for what it keeps of a user: asked without one, it would make it (containers-storage.conf(5))."""
    if any(Path(path).exists() for path in ("/etc/containers/storage.conf", "/etc/containers/storage.rootless.conf")):
        return True
    places = [store_of(user), *([Path(account.pw_dir) / ".config/containers/storage.conf"] if account else [])]
    return as_user(account, lambda: any(place.exists() for place in places))


def labels_in(text: str) -> dict[str, Labels]:
    """The labels of secrets by their names, from what `podman secret inspect` prints."""
    return {one["Spec"]["Name"]: one["Spec"].get("Labels") or {} for one in json.loads(text)}


def user_exists(user: str) -> bool:
    """Whether there is such an account; the system's is always there."""
    if user == SYSTEM:
        return True
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


def why_not_asked(user: str) -> str:
    """Why Podman cannot be asked for a user: it works only with the runtime folder, which the manager makes, and in the user's home."""
    if user == SYSTEM or not user_exists(user):
        return ""
    return closed_to(user) if manager_runs(user) else f"the systemd manager of {user} does not run"


def users_with_secrets() -> list[str]:
    """Return the users whose Podman may have secrets, as far as it can be asked."""
    users = [SYSTEM] if ROOTS_STORE.is_dir() else []
    for account in pwd.getpwall():
        if 1000 <= account.pw_uid < 60000 and manager_runs(account.pw_name):
            folder = Path(account.pw_dir) / USERS_STORE
            with contextlib.suppress(OSError):
                users += [account.pw_name] if as_user(account, functools.partial(os.access, folder, os.R_OK | os.X_OK)) else []
    return users


observer = PodmanSecret()
