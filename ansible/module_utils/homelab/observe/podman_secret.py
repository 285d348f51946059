"""Observes Podman secrets, podman-secret(1). A unit is {user?, name, digest}; its value never comes here.

`digest` is the HMAC-SHA-256 of the value under the inventory's own key, in hexadecimal. The secret has it as the
label `homelab.hmac`, beside `homelab.owner`, which is the mark.
"""

from __future__ import annotations

import json
import pwd
from collections.abc import Sequence
from pathlib import Path

from ..core import records, system
from ..core.observer import Observation, Observer, Resource
from .quadlet.states import manager_runs
from .quadlet.users import SYSTEM, account_of, closed_to, is_readable, store_of, user_of

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
        return [self._observe(unit, owner) for unit in units]

    def _observe(self, unit: Resource, owner: str) -> Observation:
        user = user_of(unit)
        seen = Observation(self.name_of(unit))
        if reason := why_not_asked(user):
            # The record shows whether there is a secret of ours.
            seen.present = records.read(owner, self.kind, seen.name) is not None
            seen.differences = [f"{reason}, so its secrets cannot be read"]
            return seen
        labels = self.secrets(user).get(unit["name"])
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
        """Return the secrets of a user; from records where the user's Podman cannot be queried."""
        recorded = [name for owner in records.owners() for name in records.names(owner, self.kind)]
        unasked = [name for name in recorded if why_not_asked(name.split("/", 1)[0])]
        users = [user for user in users_with_secrets() if not why_not_asked(user)]
        asked = {f"{user}/{name}": labels.get(OWNER) for user in users for name, labels in self.secrets(user).items()}
        return {**dict.fromkeys(unasked), **asked}


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
    with system.acting_as(account):
        own = account is not None and (Path(account.pw_dir) / ".config/containers/storage.conf").exists()
        return own or store_of(user).exists()


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
    """Return the users whose Podman has secrets, as far as it can be queried."""
    users = [SYSTEM] if ROOTS_STORE.is_dir() else []
    for account in pwd.getpwall():
        if 1000 <= account.pw_uid < 60000 and manager_runs(account.pw_name):
            with system.acting_as(account):
                there = is_readable(Path(account.pw_dir) / USERS_STORE)
            users += [account.pw_name] if there else []
    return users


observer = PodmanSecret()
