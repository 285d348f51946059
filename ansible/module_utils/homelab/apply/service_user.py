"""Applies service users."""

from __future__ import annotations

import grp
import os
import pwd
import time
from collections.abc import Sequence
from pathlib import Path

from ..core import records, system
from ..core.observer import Resource
from ..observe.quadlet.states import manager_runs
from ..observe.service_user import KEPT, LINGER, MARK, SHELL, ServiceUser, find, has_password, subordinates
from ..observe.user_limits import recorded
from . import user_limits
from .writer import Change, Errors, Writer

# The runtime folders of users, by uid, user-runtime-dir@.service(5).
RUNTIME = Path("/run/user")
# Who is in one of these is root, or can become it.
PRIVILEGED = {"root", "sudo", "adm", "admin", "wheel", "disk", "shadow", "docker", "libvirt", "kvm", "systemd-journal"}


class ServiceUserWriter(ServiceUser, Writer):
    """Creates accounts with fixed ids; a removed one is locked and kept unless its record has `on_delete: destroy`."""

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        return user_limits.missing_prerequisites(resources)

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        errors = {}
        for resource in resources:
            record = records.read(owner, self.kind, resource["name"]) or {}
            taken = _conflict(resource, resources) or _is_operators(resource["name"])
            reason = taken or _cannot_change(resource, record.get("subids")) or user_limits.rejection(resource)
            if reason:
                errors[resource["name"]] = reason
        return errors

    def affected(self, change: Change, owner: str) -> list[str]:
        """Its units start with its systemd manager; while that runs, no change of the user affects them."""
        if manager_runs(change.seen.name):
            return []
        return [f"quadlet-unit {one}" for one in records.names(owner, "quadlet-unit") if one.startswith(f"{change.seen.name}/")]

    def needed_by(self, name: str) -> list[records.Recorded]:
        """What runs as the user, whoever owns it."""
        return records.everything(["quadlet-unit", "podman-secret"], f"{name}/")

    def pending_record(self, change: Change) -> records.Record:
        return {**super().pending_record(change), **recorded(change.resource)}

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors = {}
        for change in changes:
            try:
                _apply(change.resource, owner)
            except (system.CommandError, OSError) as error:
                errors[change.resource["name"]] = str(error)
        return errors

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors = {}
        for name in names:
            try:
                account = find(name)
                _remove(name, owner, (records.read(owner, self.kind, name) or {}).get("on_delete", "keep"))
                user_limits.remove(name, account)
            except (system.CommandError, OSError) as error:
                errors[name] = str(error)
        return errors


def _conflict(resource: Resource, resources: Sequence[Resource]) -> str:
    account = find(resource["name"])
    if account and account.pw_uid != resource["uid"]:
        return f"uid is {account.pw_uid}, wanted {resource['uid']}: a uid is never changed; take it, or another name"
    if account is None and any(one.gr_name == resource["name"] for one in grp.getgrall()):
        return f"there is a group {resource['name']}, as the user's own would be named; remove it (groupdel), or take another name"
    home = f"/home/{resource['name']}"
    if account and account.pw_dir != home:
        return f"its home is {account.pw_dir}, wanted {home}: a home is not moved; take another name"
    holder = next((one.pw_name for one in pwd.getpwall() if one.pw_uid == resource["uid"] and one.pw_name != resource["name"]), None)
    if holder:
        return f"uid {resource['uid']} is {holder}'s; choose another"
    start, end = resource["subids"]["start"], resource["subids"]["start"] + resource["subids"]["count"]
    others = [(one["name"], one["subids"]["start"], one["subids"]["count"]) for one in resources]
    for name, first, count in [*subordinates("/etc/subuid"), *subordinates("/etc/subgid"), *others]:
        if name != resource["name"] and first < end and start < first + count:
            return f"subordinate ids {start} to {end - 1} overlap {name}'s ({first} to {first + count - 1})"
    return ""


def _is_operators(name: str) -> str:
    """Return why an account cannot be taken over: its login would be off at once, and somebody may need it to get in."""
    account = find(name)
    if account is None or account.pw_gecos.startswith(MARK):
        return ""
    groups = [one.gr_name for one in grp.getgrall() if name in one.gr_mem and one.gr_name in PRIVILEGED]
    reasons = [f"it is in group {group}" for group in groups]
    reasons += ["this run logged in as it"] if os.environ.get("SUDO_USER") == name else []
    reasons += ["it has a password"] if has_password(name) else []
    return f"{name} is somebody's login: {reasons[0]}. Take another name for a service" if reasons else ""


def _cannot_change(resource: Resource, applied: Resource | None) -> str:
    """Containers and volumes that are there belong to the subordinate ids that they were made with."""
    file = "/etc/subuid"
    there = [{"start": start, "count": count} for name, start, count in subordinates(file) if name == resource["name"]]
    was = applied or (there[0] if there else None)
    if was in (None, resource["subids"]) or not Path(f"/home/{resource['name']}/.local/share/containers/storage").exists():
        return ""
    return f"its containers were made with subordinate ids {was['start']} and {was['count']} more; keep those, or take another name"


def _apply(resource: Resource, owner: str) -> None:
    name, home = resource["name"], f"/home/{resource['name']}"
    settings = ["--comment", MARK + owner, "--shell", SHELL]
    if find(name) is None:
        # Without -F in login.defs useradd adds subordinate ids of its own choice; ours are written below.
        system.run(["useradd", "--uid", str(resource["uid"]), "--user-group", "--create-home", "--home-dir", home, *settings, name])
    else:
        # An account that was kept has expired.
        system.run(["usermod", *settings, "--lock", "--expiredate", "", name])
    account = pwd.getpwnam(name)
    system.run(["install", "-d", "-o", str(account.pw_uid), "-g", str(account.pw_gid), "-m", "0700", home])
    _set_subordinates(name, (resource["subids"]["start"], resource["subids"]["count"]))
    user_limits.apply(resource, owner)
    if not manager_runs(name):
        _forget_what_ran(account)
    system.run(["loginctl", "enable-linger", name])
    system.run(["systemctl", "start", f"user@{resource['uid']}.service"])


def _forget_what_ran(account: pwd.struct_passwd) -> None:
    """Podman believes that containers killed with the user manager still run; podman-system-migrate(1) clears that."""
    if (RUNTIME / str(account.pw_uid) / "libpod").is_dir() and system.installed("podman"):
        system.run(["podman", "system", "migrate"], account=account, check=False)


def _set_subordinates(name: str, wanted: tuple[int, int]) -> None:
    """Give a user one range of subordinate ids by usermod(8), which has the lock of these files."""
    options = []
    for file, kind in (("/etc/subuid", "subuids"), ("/etc/subgid", "subgids")):
        has = [(start, count) for owner, start, count in subordinates(file) if owner == name]
        if has != [wanted]:
            options += [word for start, count in has for word in (f"--del-{kind}", f"{start}-{start + count - 1}")]
            options += [f"--add-{kind}", f"{wanted[0]}-{wanted[0] + wanted[1] - 1}"]
    if options:
        system.run(["usermod", *options, name])


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
    else:
        # The account stays, so that nobody else gets its uid and with it the home.
        # A locked password alone would leave its keys and scheduled jobs at work: PAM asks whether the account has expired.
        system.run(["usermod", "--lock", "--expiredate", "1", "--comment", MARK + owner + KEPT, name])


def _wait_until_gone(uid: int) -> None:
    end = time.monotonic() + 60
    while (RUNTIME / str(uid)).exists() and time.monotonic() < end:
        time.sleep(0.3)
