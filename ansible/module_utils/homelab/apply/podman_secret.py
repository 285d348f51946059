"""Applies Podman secrets."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import records, system, validation
from ..core.observer import Resource
from ..observe.podman_secret import HMAC, OWNER, PodmanSecret, user_exists
from ..observe.quadlet.home import units_of
from ..observe.quadlet.observer import lacking
from ..observe.quadlet.users import user_of
from . import each_user
from .quadlet.files import applied_units
from .quadlet.plan import Now, restarted_by, still_used
from .quadlet.services import Services
from .writer import Change, Errors, Writer


class PodmanSecretWriter(PodmanSecret, Writer):
    """Gives Podman the values on its standard input, then restarts once what uses changed ones."""

    def __init__(self) -> None:
        super().__init__()
        # By secret: the units that it restarts.
        self.restarts: dict[str, list[Resource]] = {}

    def missing_prerequisites(self, units: Sequence[Resource], owner: str) -> Errors:
        return lacking({self.name_of(unit): user_of(unit) for unit in units}, owner)

    def rejections(self, units: Sequence[Resource], owner: str) -> Errors:
        to_change = [unit for unit in units if self.name_of(unit) in self.to_change]
        return each_user.of_resources(to_change, lambda user, mine: self._rejections(user, mine, owner))

    def _rejections(self, user: str, units: Sequence[Resource], owner: str) -> Errors:
        errors: Errors = {}
        now = now_of(user, owner)
        for unit in units:
            if not self._runs_with(unit, owner):
                name = self.name_of(unit)
                self.restarts[name], reason = restarted_by(unit["name"], now, by_hand=self._was_applied(unit, owner))
                errors |= {unit["name"]: reason} if reason else {}
        return errors

    def _was_applied(self, unit: Resource, owner: str) -> bool:
        """Whether the last apply gave this very value, and ended well."""
        record = records.read(owner, self.kind, self.name_of(unit)) or {}
        return record.get("digest") == unit["digest"] and not record.get("pending")

    def _runs_with(self, unit: Resource, owner: str) -> bool:
        """Whether the secret has the wanted value, and whatever uses it was started with it."""
        labels = self.secrets(user_of(unit)).get(unit["name"], {})
        pending = (records.read(owner, self.kind, self.name_of(unit)) or {}).get("pending")
        return labels.get(HMAC) == unit["digest"] and not pending

    def disruption(self, change: Change) -> str:
        return "restart" if self.restarts.get(change.seen.name) else "live"

    def affected(self, change: Change, owner: str) -> list[str]:
        user = user_of(change.resource)
        return [f"quadlet-unit {user}/{one['name']}" for one in self.restarts.get(change.seen.name, [])]

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        resources = [change.resource for change in changes]
        errors = each_user.of_resources(resources, lambda user, units: self._apply(Services(user), units, owner))
        self.forget()
        return {name: validation.redact(reason, self.values.values()) for name, reason in errors.items()}

    def _apply(self, services: Services, units: Sequence[Resource], owner: str) -> Errors:
        errors: Errors = {}
        for unit in units:
            labels = ["--label", f"{OWNER}={owner}", "--label", f"{HMAC}={unit['digest']}"]
            replace = ["--replace"] if unit["name"] in self.secrets(services.user) else []
            try:
                argv = ["podman", "secret", "create", *replace, *labels, unit["name"], "-"]
                system.run(argv, stdin=self.values[self.name_of(unit)], account=services.account)
            except system.CommandError as error:
                errors[unit["name"]] = str(error)
        users = {unit["name"]: self.restarts.get(self.name_of(unit), []) for unit in units if unit["name"] not in errors}
        units_once = {one["name"]: one for restarted in users.values() for one in restarted}
        failed = services.bring_up([], list(units_once.values())) if units_once else {}
        for name, restarted in users.items():
            failures = [f"{one['name']}, which uses it: {failed[one['name']]}" for one in restarted if one["name"] in failed]
            errors |= {name: "\n".join(failures)} if failures else {}
        return errors

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        return each_user.of_names(names, lambda user, mine: _in_use(mine, applied_units(user, owner, own=False)))

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        return each_user.of_names(names, lambda user, mine: self._remove(user, mine, owner) if user_exists(user) else {})

    def _remove(self, user: str, names: Sequence[str], owner: str) -> Errors:
        failed = _in_use(names, applied_units(user, owner))
        services = Services(user)
        with services.manager():
            self.forget()
            for name in self.secrets(user).keys() & (set(names) - failed.keys()):
                services.podman("secret", "rm", name, check=False)
            self.forget()
            left = self.secrets(user).keys() & set(names)
        return {name: "podman secret rm did not remove it" for name in left} | failed


def _in_use(names: Sequence[str], units: Sequence[Resource]) -> Errors:
    """Return the secrets that units name."""
    used = still_used([f"secret/{name}" for name in names], units)
    return {part.removeprefix("secret/"): reason for part, reason in used.items()}


def now_of(user: str, owner: str) -> Now:
    """Return the running services of a user's units, and those that may not be restarted."""
    units = units_of(user, owner)
    records_of = {unit["name"]: records.read(owner, "quadlet-unit", f"{user}/{unit['name']}") or {} for unit in units}
    denied = {name for name, record in records_of.items() if record.get("restart") == "denied"}
    return Now(installed=units, active=Services(user).active(units) if units else (), denied=denied)
