"""Applies kernel parameters, and restores what was in force when they are removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core import ownership, records, system
from ..core.observer import Resource
from ..observe.sysctl import FOLDER, KERNEL, Sysctl, file_of, files_in_order, path_of, plain, render, settings_of, value_of
from .writer import Change, Errors, Writer

# The records of the values that were in force before the first apply.
BEFORE = "sysctl-before"
# Filters, forwarding, limits on connections and memory for packets are all below it: any of these can disconnect the host.
RISKY = "net/"


class SysctlWriter(Sysctl, Writer):
    """Writes files of sysctl.d and the running values."""

    may_disconnect = True

    def __init__(self) -> None:
        self.wanted: dict[str, list[str]] = {}

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        self.wanted = {one["name"]: [path_of(key) for key in one["settings"]] for one in resources}
        others = set_by_others(owner)
        found = {one["name"]: self._rejection(one, resources, others) for one in resources}
        return {name: reason for name, reason in found.items() if reason}

    def _rejection(self, resource: Resource, resources: Sequence[Resource], others: Mapping[str, str]) -> str:
        for key in resource["settings"]:
            if value_of(key) is None:
                return f"the kernel has no parameter {key} that can be read; is its module loaded, or its link there?"
            same = [one["name"] for one in resources if one is not resource and path_of(key) in self.wanted[one["name"]]]
            if same:
                return f"{key} is also set by {same[0]}; set it once"
            if other := others.get(path_of(key)):
                return f"{key} is also set by owner '{other}'; one of you has to remove it"
        return ""

    def can_disconnect(self, names: Sequence[str]) -> bool:
        return any(path.startswith(RISKY) for path in self.parameters_of(names))

    def parameters_of(self, names: Sequence[str]) -> Sequence[str]:
        files = [settings_of(system.read_text(file_of(name)) or "") for name in names]
        return sorted({*(path for name in names for path in self.wanted.get(name, [])), *(path for one in files for path in one)})

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors: Errors = {}
        for change in changes:
            try:
                apply(change.resource, owner)
            except OSError as error:
                errors[change.seen.name] = str(error)
        return errors

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors: Errors = {}
        for name in names:
            before = records.read(owner, BEFORE, name) or {}
            system.remove_file(file_of(name))
            if failed := restore(before):
                errors[name] = f"not restored: {', '.join(failed)}"
            else:
                records.remove(owner, BEFORE, name)
        return errors


def apply(resource: Resource, owner: str) -> None:
    """Record what was in force, write the file and the running values, and restore parameters that left. Raise OSError."""
    name, settings = resource["name"], {path_of(key): plain(value) for key, value in resource["settings"].items()}
    recorded = records.read(owner, BEFORE, name) or {}
    before = {**{path: value_of(path) for path in settings}, **recorded}
    records.write(owner, BEFORE, name, before)
    system.make_folder(FOLDER)
    system.write_text(file_of(name), render(resource, owner))
    for path, value in settings.items():
        (KERNEL / path).write_text(f"{value}\n", encoding="utf-8")
    restore({path: value for path, value in recorded.items() if path not in settings})
    records.write(owner, BEFORE, name, {path: before[path] for path in settings})


def restore(before: records.Record) -> list[str]:
    """Set parameters to what other files have, else to what was in force before. Return those that could not be set."""
    others: dict[str, str] = {}
    for path in files_in_order():
        others.update(settings_of(system.read_text(path) or ""))
    failed = []
    for key, value in before.items():
        wanted = others.get(key, value)
        if wanted is None or value_of(key) == wanted:
            continue
        try:
            (KERNEL / key).write_text(f"{wanted}\n", encoding="utf-8")
        except OSError:
            failed.append(key)
    return failed


def set_by_others(owner: str) -> dict[str, str]:
    """Return the parameters, by their path, that files of other owners set, each with its owner; the first file counts."""
    found: dict[str, str] = {}
    for text in (system.read_text(file) or "" for file in sorted(FOLDER.glob("60-homelab-*.conf"))):
        other = ownership.read(text).get("owner")
        if other not in (None, owner):
            found = {**dict.fromkeys(settings_of(text), other), **found}
    return found
