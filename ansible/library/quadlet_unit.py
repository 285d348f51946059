#!/usr/bin/python
"""Ansible module: applies a list of Quadlet units. Its options are those of role quadlet_unit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible.module_utils.homelab import quadlet, records, system
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.quadlet_services import Services
from ansible.module_utils.homelab.quadlet_unit import (
    SYSTEM,
    QuadletUnit,
    account_of,
    defined_elsewhere,
    file_drift,
    folder_of,
    manager_runs,
)


class QuadletUnitWriter(QuadletUnit, Writer):
    """Writes units in one batch per user: check by the generator, write, reload, start, wait."""

    def lacks(self, units: Sequence, owner: str) -> Errors:
        if not system.installed("podman"):
            return {self.name_of(unit): "podman is not installed; set `podman: true` in homelab_host" for unit in units}
        absent = [unit for unit in units if user_of(unit) != SYSTEM and not manager_runs(user_of(unit))]
        reason = "does not exist or has no systemd running; declare it in `service_users`"
        return {self.name_of(unit): f"user {unit['user']} {reason}" for unit in absent}

    def refuse(self, units: Sequence, owner: str) -> Errors:
        errors: Errors = {}
        for user, mine in by_user(units):
            installed = self._installed(user, owner)
            refused = check(user, mine, installed)
            for unit in mine:
                reason = refused.get(unit["name"]) or self._refuse_change(unit, mine, installed, owner)
                if reason:
                    errors[self.name_of(unit)] = reason
        return errors

    def _refuse_change(self, unit: dict, units: Sequence, installed: Sequence, owner: str) -> str:
        record = records.read(owner, self.kind, self.name_of(unit))
        if record is None or record.get("digest") == quadlet.digest(unit):
            return ""
        if unit["name"].endswith(".volume") and unit["on_delete"] != "destroy":
            return "a changed volume is made anew and loses its data; set `on_delete: destroy` on it to allow that"
        if unit["restart"] == "denied" and quadlet.should_run(unit):
            return "the change restarts it; set `restart: allowed` on it to let that happen"
        for user in quadlet.users_of([unit["name"]], merged(installed, units)):
            if self._is_denied(user, user_of(unit), owner) and quadlet.should_run(user):
                return f"the change restarts {user['name']}; set `restart: allowed` on that to let it happen"
        return ""

    def _is_denied(self, unit: dict, user: str, owner: str) -> bool:
        """Whether a unit must not be restarted; for one that is only installed, its record says that."""
        record = records.read(owner, self.kind, f"{user}/{unit['name']}") or {}
        return (unit.get("restart") or record.get("restart")) == "denied"

    def disruption(self, change: Change) -> str:
        if not change.seen.present or not self._is_changed(change):
            return "live"
        suffix = change.unit["name"].rsplit(".", 1)[1]
        return {"volume": "data-loss", "network": "replace"}.get(suffix, "restart")

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors: Errors = {}
        for user, units in by_user([change.unit for change in changes]):
            mine = [change for change in changes if user_of(change.unit) == user]
            try:
                failed = self._apply(Services(user), mine, owner)
            except (system.CommandError, OSError) as error:
                failed = {unit["name"]: str(error) for unit in units}
            errors.update({f"{user}/{name}": reason for name, reason in failed.items()})
        return errors

    def _apply(self, services: Services, changes: Sequence[Change], owner: str) -> Errors:
        folder = folder_of(services.user, owner)
        assert folder is not None
        units = [change.unit for change in changes]
        replaced = [change.unit for change in changes if self._is_replaced(change)]
        with system.acting_as(services.account):
            edited = {unit["name"] for unit in units if unit["restart"] == "allowed" and file_drift(folder, unit)}
        anew = [change.unit for change in changes if change.unit["name"] in edited or self._is_changed(change)]
        installed = merged(self._installed(services.user, owner), units)
        users = quadlet.users_of([unit["name"] for unit in anew if not is_first(changes, unit)], installed)
        users = [unit for unit in users if not self._is_denied(unit, services.user, owner)]
        services.take_down(replaced, users)
        with system.acting_as(services.account):
            for change in changes:
                write(folder, change)
        services.reload()
        failed = services.pull(units)
        return failed | services.bring_up(units, anew, users, failed)

    def _is_changed(self, change: Change) -> bool:
        """Whether what runs may be of another configuration than is wanted."""
        return bool(change.record) and (bool(change.record.get("pending")) or change.record.get("digest") != quadlet.digest(change.unit))

    def _is_replaced(self, change: Change) -> bool:
        """A network or volume that is there stays as it was made, podman-network-create(1) --ignore."""
        old = change.record.get("digest")
        return change.unit["name"].endswith((".network", ".volume")) and old is not None and old != quadlet.digest(change.unit)

    def _installed(self, user: str, owner: str) -> list[dict]:
        """The owner's units of a user that are there and stay, each with its drop-ins."""
        folder = folder_of(user, owner)
        if folder is None:
            return []
        going = [name.split("/", 1)[1] for name in self.going if name.startswith(f"{user}/")]
        units = []
        with system.acting_as(account_of(user)):
            paths = list(folder.iterdir()) if folder.is_dir() else []
            for path in sorted(one for one in paths if one.suffix[1:] in quadlet.SUFFIX and one.is_file() and one.name not in going):
                dropins = {one.name: system.read_text(one) or "" for one in (folder / f"{path.name}.d").glob("*.conf")}
                units.append({"name": path.name, "content": system.read_text(path) or "", "dropins": dropins})
        return units

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors: Errors = {}
        for user in dict.fromkeys(name.split("/", 1)[0] for name in names):
            mine = [name.split("/", 1)[1] for name in names if name.startswith(f"{user}/")]
            try:
                self._remove(user, mine, owner)
            except (system.CommandError, OSError) as error:
                errors.update({f"{user}/{name}": str(error) for name in mine})
        return errors

    def _remove(self, user: str, names: Sequence[str], owner: str) -> None:
        folder = folder_of(user, owner)
        if folder is None:
            return
        services = Services(user)
        account = services.account
        found = {name: records.read(owner, self.kind, f"{user}/{name}") or {} for name in names}
        with system.acting_as(account):
            units = [{"name": name, "content": system.read_text(folder / name) or ""} for name in names]
        if manager_runs(user):
            services.stop([found[unit["name"]].get("service") or quadlet.service_of(unit) for unit in units])
        with system.acting_as(account):
            for name in names:
                for path in found[name].get("files") or [name]:
                    system.remove_file(folder / path, empty_parents_below=account.pw_dir if account else "/etc")
        if manager_runs(user):
            services.reload()
            destroyed = [unit for unit in units if found[unit["name"]].get("on_delete") == "destroy"]
            services.drop_objects([unit for unit in units if unit["name"].endswith(".network")] + destroyed)


def user_of(unit: dict) -> str:
    """Who runs a unit."""
    return str(unit.get("user") or SYSTEM)


def by_user(units: Sequence) -> list[tuple[str, list]]:
    """Units by who runs them."""
    users = dict.fromkeys(user_of(unit) for unit in units)
    return [(user, [unit for unit in units if user_of(unit) == user]) for user in users]


def merged(installed: Sequence, units: Sequence) -> list:
    """What will be there: these units, and the installed ones that they do not replace."""
    names = {unit["name"] for unit in units}
    return [*units, *(unit for unit in installed if unit["name"] not in names)]


def check(user: str, units: Sequence, installed: Sequence) -> Errors:
    """What the generator refuses, by unit. Each lies in a folder of its own, since bad syntax takes its folder down."""
    with system.scratch_folder(0o755) as scratch:
        for number, unit in enumerate(merged(installed, units)):
            for path, text in quadlet.files_of(unit).items():
                if path.startswith(unit["name"]):
                    system.make_folder((scratch / str(number) / path).parent)
                    system.write_text(scratch / str(number) / path, text)
        made, complaints = quadlet.generate(scratch, account_of(user))
    said = re.sub(rf"{scratch}/\d+/", "", complaints).splitlines()
    refused = [unit["name"] for unit in units if unit["name"] not in made]
    about = {name: [line for line in said if name in line] or said for name in refused}
    return {name: "Quadlet's generator refuses it:\n" + "\n".join(lines) for name, lines in about.items()}


def is_first(changes: Sequence[Change], unit: dict) -> bool:
    """Whether a unit is new, so that nothing runs with what it was."""
    return any(change.unit is unit and not change.seen.present for change in changes)


def write(folder, change: Change) -> None:
    """Write a unit's files, and remove those of its last apply that are no longer wanted; with its user's rights."""
    name, wanted = change.unit["name"], quadlet.files_of(change.unit)
    account = account_of(user_of(change.unit))
    ids = {"uid": account.pw_uid, "gid": account.pw_gid} if account else {}
    there = [f"{name}.d/{path.name}" for path in (folder / f"{name}.d").glob("*.conf")]
    for path in {*change.record.get("files", []), *there} - set(wanted):
        system.remove_file(folder / path, empty_parents_below=folder)
    # `adopt: true` was said, or it would have been refused.
    for path in defined_elsewhere(folder, name) if change.unit.get("adopt") else []:
        system.remove_file(path, empty_parents_below=folder.parent)
    for path, text in wanted.items():
        if system.read_text(folder / path) != text:
            system.make_folder((folder / path).parent, **ids)
            system.write_text(folder / path, text, **ids)


if __name__ == "__main__":
    run_module(QuadletUnitWriter())
