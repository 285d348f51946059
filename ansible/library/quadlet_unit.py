#!/usr/bin/python
"""Ansible module: applies a list of Quadlet units. Its options are those of role quadlet_unit."""

from __future__ import annotations

import pwd
from collections.abc import Sequence

from ansible.module_utils.homelab import quadlet, records, system
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.quadlet_services import Services
from ansible.module_utils.homelab.quadlet_unit import SYSTEM, QuadletUnit, folder_of, manager_runs


class QuadletUnitWriter(QuadletUnit, Writer):
    """Writes units in one batch per user: check by the generator, write, reload, start, wait."""

    def refuse(self, units: Sequence, owner: str) -> Errors:
        errors: Errors = {}
        for user in users_of(units):
            mine = [unit for unit in units if (unit.get("user") or SYSTEM) == user]
            if not system.installed("podman"):
                errors.update({self.name_of(unit): "podman is not installed; set `podman: true` in homelab_host" for unit in mine})
            elif user != SYSTEM and not manager_runs(user):
                reason = f"user {user} does not exist or has no systemd running; declare it in `service_users`"
                errors.update({self.name_of(unit): reason for unit in mine})
            else:
                errors.update(self._refuse(user, mine, owner))
        return errors

    def _refuse(self, user: str, units: Sequence, owner: str) -> Errors:
        errors: Errors = {}
        with system.scratch_folder(0o755) as scratch:
            for path, text in installed_files(user, owner).items():
                put(scratch / path, text)
            for unit in units:
                for path, text in quadlet.files_of(unit).items():
                    put(scratch / path, text)
            made, complaints = quadlet.generate(scratch, None if user == SYSTEM else user)
        for unit in units:
            name = self.name_of(unit)
            if unit["name"] not in made:
                errors[name] = f"Quadlet's generator refuses it:\n{complaints}"
            else:
                reason = self._refuse_change(name, unit, owner)
                if reason:
                    errors[name] = reason
        return errors

    def _refuse_change(self, name: str, unit: dict, owner: str) -> str:
        record = records.read(owner, self.kind, name)
        if record is None or record.get("digest") == quadlet.digest(unit):
            return ""
        if unit["name"].endswith(".volume") and unit["on_delete"] != "destroy":
            return "a changed volume is made anew and loses its data; set `on_delete: destroy` on it to allow that"
        if unit["restart"] == "denied":
            return "the change restarts it; set `restart: allowed` on it to let that happen"
        return ""

    def disruption(self, change: Change) -> str:
        if not change.seen.present:
            return "live"
        suffix = change.unit["name"].rsplit(".", 1)[1]
        return {"volume": "data-loss", "network": "replace"}.get(suffix, "restart")

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors: Errors = {}
        for user in users_of([change.unit for change in changes]):
            mine = [change for change in changes if (change.unit.get("user") or SYSTEM) == user]
            services = Services(user)
            try:
                failed = self._apply(services, mine, owner)
            except (system.CommandError, OSError) as error:
                failed = {change.unit["name"]: str(error) for change in mine}
            errors.update({f"{user}/{name}": reason for name, reason in failed.items()})
        return errors

    def _apply(self, services: Services, changes: Sequence[Change], owner: str) -> Errors:
        units = [change.unit for change in changes]
        anew = [unit for unit in units if self._is_changed(unit, owner)]
        replaced = [unit for unit in anew if unit["name"].endswith((".network", ".volume"))]
        texts = installed_files(services.user, owner)
        users = services.users_of({unit["name"] for unit in anew}, texts)
        services.take_down(replaced, users)
        for unit in units:
            self._write(unit, owner)
        services.reload()
        failed = services.pull(units)
        return failed | services.bring_up(units, anew, users, failed)

    def _is_changed(self, unit: dict, owner: str) -> bool:
        record = records.read(owner, self.kind, self.name_of(unit)) or {}
        return (bool(record) and record.get("digest") != quadlet.digest(unit)) or bool(record.get("pending"))

    def _write(self, unit: dict, owner: str) -> None:
        user = unit.get("user") or SYSTEM
        folder = folder_of(user, owner)
        assert folder is not None
        uid, gid = ids_of(user)
        wanted = quadlet.files_of(unit)
        record = records.read(owner, self.kind, self.name_of(unit)) or {}
        there = [f"{unit['name']}.d/{path.name}" for path in (folder / f"{unit['name']}.d").glob("*.conf")]
        for path in {*record.get("files", []), *there} - set(wanted):
            system.remove_file(folder / path, empty_parents_below=folder)
        for path, text in wanted.items():
            if system.read_text(folder / path) != text:
                system.make_folder((folder / path).parent, uid=uid, gid=gid)
                system.write_text(folder / path, text, uid=uid, gid=gid)

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
        found = {name: records.read(owner, self.kind, f"{user}/{name}") or {} for name in names}
        units = [{"name": name, "content": system.read_text(folder / name) or ""} for name in names]
        if manager_runs(user):
            services.stop([found[unit["name"]].get("service") or quadlet.service_of(unit) for unit in units])
        home = "/etc" if user == SYSTEM else pwd.getpwnam(user).pw_dir
        for name in names:
            for path in found[name].get("files") or [name]:
                system.remove_file(folder / path, empty_parents_below=home)
        if manager_runs(user):
            services.reload()
            destroyed = [unit for unit in units if found[unit["name"]].get("on_delete") == "destroy"]
            services.drop_objects([unit for unit in units if unit["name"].endswith(".network")] + destroyed)


def users_of(units: Sequence) -> list[str]:
    """The users of units, each once."""
    return list(dict.fromkeys(unit.get("user") or SYSTEM for unit in units))


def ids_of(user: str) -> tuple[int, int]:
    """A user's uid and gid; root's for the system."""
    account = pwd.getpwnam("root" if user == SYSTEM else user)
    return account.pw_uid, account.pw_gid


def installed_files(user: str, owner: str) -> dict[str, str]:
    """The unit files and drop-ins in an owner's folder, by path in it."""
    folder = folder_of(user, owner)
    if folder is None or not folder.is_dir():
        return {}
    kinds = tuple(f".{suffix}" for suffix in quadlet.SUFFIX)
    paths = [path for path in folder.rglob("*") if path.is_file() and (path.name.endswith(kinds) or path.suffix == ".conf")]
    return {str(path.relative_to(folder)): system.read_text(path) or "" for path in paths}


def put(path, text: str) -> None:
    """A file that every user can read, in a scratch folder."""
    system.make_folder(path.parent)
    system.write_text(path, text)


if __name__ == "__main__":
    run_module(QuadletUnitWriter())
