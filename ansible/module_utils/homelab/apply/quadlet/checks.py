"""Conflicts of Quadlet units with a host: files, ports, the generator, systemd. Nothing is changed."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...core import system
from ...core.observer import Resource
from ...observe import ports
from ...observe.quadlet import home, unit_file
from ...observe.quadlet.users import account_of, user_of
from .plan import merged

Errors = dict[str, str]


def no_archive(unit: Resource) -> str:
    """Why an image cannot be had that is in a file; nothing when it can, or comes from a registry."""
    path = unit_file.archive_of(unit)
    return f"there is no file {path} on this host" if path and not os.path.isfile(path) else ""


def taken_ports(units: Sequence[Resource], owned: Sequence[str], had: Iterable[str]) -> list[tuple[Resource, str]]:
    """The units that publish a port which somebody has who is none of the owner's: of those some may be about to give it up.

    `owned` are the names of the owner's units, `had` the services that they may have had so far.
    """
    published = {id(unit): unit_file.ports(unit) for unit in units if unit_file.should_run(unit)}
    if not any(published.values()):
        return []
    users = {name.split("/", 1)[0] for name in owned}
    uids = {account.pw_uid for account in pwd.getpwall() if account.pw_name in users}
    services = {*had, *(unit_file.service_of(unit) for unit in units)}
    others = [one for one in ports.listeners() if one.uid not in uids and one.system_service not in services]
    found = [(unit, ports.taken(published.get(id(unit), []), others)) for unit in units]
    return [(unit, "; ".join(reasons)) for unit, reasons in found if reasons]


def shared_ports(unit: Resource, units: Sequence[Resource], beside: Sequence[Resource]) -> str:
    """Why a unit cannot have its ports beside the others of the same run, and `beside` what else runs; nothing when it can."""
    if not unit_file.should_run(unit):
        return ""
    others = [one for one in units if one is not unit and unit_file.should_run(one)]
    found = [f"{what} is also published by {whose}; publish another one" for what, whose in _shared(unit, others)]
    way_out = "let that go, or give it another one, in an up of its own before"
    return "; ".join([*found, *(f"{what} is published by {whose} still; {way_out}" for what, whose in _shared(unit, beside))])


def _shared(unit: Resource, others: Sequence[Resource]) -> list[tuple[str, str]]:
    """Return the ports of a unit that others publish, with their names."""
    return [
        (f"port {port}", f"{user_of(one)}/{one['name']}")
        for one in others
        if not (_conflicts(unit, one) or _conflicts(one, unit))
        for ours in unit_file.ports(unit)
        for theirs in unit_file.ports(one)
        if (port := ports.shared(ours, theirs))
    ]


def _conflicts(unit: Resource, other: Resource) -> bool:
    """Return whether a unit never runs beside another one, Conflicts= of systemd.unit(5)."""
    named = {word for value in unit_file.values(unit, "Unit", "Conflicts") for word in value.split()}
    return not named.isdisjoint({other["name"], unit_file.service_of(other)})


@dataclass(frozen=True)
class Generated:
    """The result of the generator: rejections, and the services that it creates, by unit."""

    refused: Errors
    made: dict[str, str]


def generated(user: str, units: Sequence[Resource], installed: Sequence[Resource], owner: str) -> Generated:
    """Return the generator's result for units; a unit that refers to a rejected one is rejected as well."""
    refused: Errors = {}
    while True:
        left = [unit for unit in units if unit["name"] not in refused]
        found = _generated_together(user, left, installed, owner)
        refused |= found.refused
        if not found.refused:
            return Generated(refused, found.made)


def _generated_together(user: str, units: Sequence[Resource], installed: Sequence[Resource], owner: str) -> Generated:
    """Return its output for units together. Each is in a folder of its own, since bad syntax disables its whole folder."""
    if not units:
        return Generated({}, {})
    account = account_of(user)
    beside = home.units_beside(user, owner)
    with system.scratch_folder(readers=account) as scratch:
        for number, unit in enumerate(merged(beside, merged(installed, units))):
            for path, text in unit_file.files_of(unit).items():
                if unit_file.is_own_text(unit, path):
                    system.make_folder((scratch / str(number) / path).parent)
                    system.write_text(scratch / str(number) / path, text)
        made, complaints = unit_file.generate(scratch, account)
    lines = re.sub(rf"{scratch}/\d+/", "", complaints).splitlines()
    refused = [unit["name"] for unit in units if unit["name"] not in made]
    about = {name: [line for line in lines if re.search(rf"(?<![\w@.-]){re.escape(name)}(?![\w-])", line)] or lines for name in refused}
    texts = {name: "Quadlet's generator rejects it:\n" + "\n".join(lines) for name, lines in about.items()}
    return Generated(texts, {unit["name"]: made[unit["name"]].text for unit in units if unit["name"] in made})


def refused_by_systemd(user: str, made: dict[str, str]) -> Errors:
    """The settings of generated services whose values systemd does not understand, and so would do without (systemd-analyze(1), verify)."""
    if not made:
        return {}
    account = account_of(user)
    with system.scratch_folder(readers=account) as scratch:
        paths = {f"{scratch}/{number}.service": name for number, name in enumerate(made)}
        for path, name in paths.items():
            system.write_text(path, made[name])
        mode = ["--user"] if account else []
        argv = ["systemd-analyze", *mode, "--man=no", "--recursive-errors=no", "verify", *paths]
        output = system.run(argv, check=False, account=account).stderr
    errors: Errors = {}
    for path, complaint in re.findall(r"^(\S+\.service):\d+: (Failed to parse .*)$", output, re.MULTILINE):
        if path in paths:
            errors[paths[path]] = "\n".join([errors.get(paths[path], "systemd rejects it:"), complaint])
    return errors
