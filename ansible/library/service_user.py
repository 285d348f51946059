#!/usr/bin/python
"""Ansible module: applies a list of service users. Its options are those of role service_user."""

from __future__ import annotations

import grp
import pwd
import time
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.homelab import records, system
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.quadlet_states import manager_runs
from ansible.module_utils.homelab.service_user import KEPT, LINGER, MARK, SHELL, ServiceUser, find, subordinates

# Of users, by uid, user-runtime-dir@.service(5).
RUNTIME = Path("/run/user")


class ServiceUserWriter(ServiceUser, Writer):
    """Makes accounts with fixed ids; a removed one is locked and kept unless its record says destroy."""

    def refuse(self, units: Sequence, owner: str) -> Errors:
        errors = {}
        for unit in units:
            record = records.read(owner, self.kind, unit["name"]) or {}
            reason = _conflict(unit, units) or _cannot_change(unit, record.get("subids"))
            if reason:
                errors[unit["name"]] = reason
        return errors

    def touches(self, change: Change, owner: str) -> list[str]:
        """Its units start with its systemd manager; while that runs, no change of the user reaches them."""
        if manager_runs(change.seen.name):
            return []
        return [f"quadlet-unit {one}" for one in records.names(owner, "quadlet-unit") if one.startswith(f"{change.seen.name}/")]

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors = {}
        for change in changes:
            try:
                _apply(change.unit, owner)
            except (system.CommandError, OSError) as error:
                errors[change.unit["name"]] = str(error)
        return errors

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors = {}
        for name in names:
            try:
                _remove(name, owner, (records.read(owner, self.kind, name) or {}).get("on_delete", "keep"))
            except (system.CommandError, OSError) as error:
                errors[name] = str(error)
        return errors


def _conflict(unit: dict, units: Sequence) -> str:
    account = find(unit["name"])
    if account and account.pw_uid != unit["uid"]:
        return f"uid is {account.pw_uid}, wanted {unit['uid']}: a uid is never changed; take it, or another name"
    if account is None and any(one.gr_name == unit["name"] for one in grp.getgrall()):
        return f"there is a group {unit['name']}, as the user's own would be named; remove it (groupdel), or take another name"
    home = f"/home/{unit['name']}"
    if account and account.pw_dir != home:
        return f"its home is {account.pw_dir}, wanted {home}: a home is not moved; take another name"
    holder = next((one.pw_name for one in pwd.getpwall() if one.pw_uid == unit["uid"] and one.pw_name != unit["name"]), None)
    if holder:
        return f"uid {unit['uid']} is {holder}'s; choose another"
    start, end = unit["subids"]["start"], unit["subids"]["start"] + unit["subids"]["count"]
    others = [(one["name"], one["subids"]["start"], one["subids"]["count"]) for one in units]
    for name, first, count in [*subordinates("/etc/subuid"), *subordinates("/etc/subgid"), *others]:
        if name != unit["name"] and first < end and start < first + count:
            return f"subordinate ids {start} to {end - 1} overlap {name}'s ({first} to {first + count - 1})"
    return ""


def _cannot_change(unit: dict, applied: dict | None) -> str:
    """Containers and volumes that are there belong to the subordinate ids that they were made with."""
    file = "/etc/subuid"
    there = [{"start": start, "count": count} for name, start, count in subordinates(file) if name == unit["name"]]
    was = applied or (there[0] if there else None)
    if was in (None, unit["subids"]) or not Path(f"/home/{unit['name']}/.local/share/containers/storage").exists():
        return ""
    return f"its containers were made with subordinate ids {was['start']} and {was['count']} more; keep those, or take another name"


def _apply(unit: dict, owner: str) -> None:
    name, home = unit["name"], f"/home/{unit['name']}"
    settings = ["--comment", MARK + owner, "--shell", SHELL]
    if find(name) is None:
        # Without -F in login.defs useradd adds subordinate ids of its own choice; ours are written below.
        system.run(["useradd", "--uid", str(unit["uid"]), "--user-group", "--create-home", "--home-dir", home, *settings, name])
    else:
        system.run(["usermod", *settings, "--lock", name])
    account = pwd.getpwnam(name)
    system.run(["install", "-d", "-o", str(account.pw_uid), "-g", str(account.pw_gid), "-m", "0700", home])
    wanted = f"{name}:{unit['subids']['start']}:{unit['subids']['count']}"
    for file in ("/etc/subuid", "/etc/subgid"):
        _set_subordinates(file, name, [wanted])
    if not manager_runs(name):
        _forget_what_ran(account)
    system.run(["loginctl", "enable-linger", name])
    system.run(["systemctl", "start", f"user@{unit['uid']}.service"])


def _forget_what_ran(account: pwd.struct_passwd) -> None:
    """What was killed with a user's systemd, Podman takes for running, and then refuses every command: podman-system-migrate(1)."""
    if (RUNTIME / str(account.pw_uid) / "libpod").is_dir() and system.installed("podman"):
        system.run(["podman", "system", "migrate"], account=account, check=False)


def _set_subordinates(file: str, name: str, wanted: list[str]) -> None:
    text = system.read_text(file) or ""
    lines = text.splitlines()
    if [line for line in lines if line.startswith(f"{name}:")] != wanted:
        kept = [line for line in lines if not line.startswith(f"{name}:")]
        system.write_text(file, "".join(f"{line}\n" for line in [*kept, *wanted]))


def _remove(name: str, owner: str, on_delete: str) -> None:
    account = find(name)
    if account is None:
        return
    (LINGER / name).unlink(missing_ok=True)
    system.run(["systemctl", "stop", f"user@{account.pw_uid}.service", f"user-runtime-dir@{account.pw_uid}.service"], check=False)
    _wait_until_gone(account.pw_uid)
    if on_delete == "destroy":
        system.run(["userdel", "--remove", name], check=False)
        if find(name) is not None:
            raise OSError(f"user {name} is still there; a process of it may be running")
        for file in ("/etc/subuid", "/etc/subgid"):
            _set_subordinates(file, name, [])
    else:
        # The account stays, so that nobody else gets its uid and with it the home.
        system.run(["usermod", "--lock", "--comment", MARK + owner + KEPT, name])


def _wait_until_gone(uid: int) -> None:
    end = time.monotonic() + 60
    while (RUNTIME / str(uid)).exists() and time.monotonic() < end:
        time.sleep(0.3)


if __name__ == "__main__":
    run_module(ServiceUserWriter())
