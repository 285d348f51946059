"""The plan for the services of a user's Quadlet units, made before anything is changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...core import records
from ...core.observer import Resource
from ...observe.quadlet import unit_file

LOSES_DATA = "a changed volume is recreated and loses its data; set `on_delete: destroy` on it to allow that"


@dataclass
class Now:
    """The present state of a user on the host.

    installed  the owner's units that are there and stay
    past       for each unit's name what the host may hold of it: its last apply, and those since that did not finish
    edited     the names of units whose files are not as wanted
    active     the names of units whose service runs
    objects    the Podman networks and volumes, as `network/<name>`
    since      for the name of an edited unit those whose service was started after the edit
    lost       the names of units of which a network, volume or image is gone, or another one
    denied     the names of installed units that may not be restarted
    """

    installed: Sequence[Resource] = ()
    past: Mapping[str, Sequence[records.Record]] = field(default_factory=dict)
    edited: Iterable[str] = ()
    active: Iterable[str] = ()
    objects: Iterable[str] = ()
    since: Mapping[str, Iterable[str]] = field(default_factory=dict)
    lost: Iterable[str] = ()
    denied: Iterable[str] = ()


@dataclass
class Plan:
    """The steps of an apply, by names of units.

    restarts  what each changed unit restarts: itself, and what uses it
    replaced  the networks and volumes that make way for a changed unit's, as `network/<name>`
    outdated  services that no unit makes any longer, since ServiceName= changed
    rejected   why a change may not be made
    """

    restarts: dict[str, list[str]] = field(default_factory=dict)
    replaced: dict[str, list[str]] = field(default_factory=dict)
    outdated: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def make_plan(units: Sequence[Resource], now: Now) -> Plan:
    """The plan for units that are to be applied together."""
    plan = Plan()
    everything = merged(now.installed, units)
    services = {unit_file.service_of(unit) for unit in everything}
    used = {unit["name"]: unit_file.uses(unit) for unit in everything}
    for unit in units:
        past = now.past.get(unit["name"], [])
        replaced = stale_objects(unit, past) & set(now.objects)
        if replaced:
            plan.replaced[unit["name"]] = sorted(replaced)
        plan.outdated += sorted({one["service"] for one in past} - services)
        parts = changed_parts(unit, past, replaced=bool(replaced))
        if unit["name"] in now.lost:
            parts.add(unit["name"])
        by_hand = not parts and unit["name"] in now.edited and not unit_file.object_of(unit)
        if parts or by_hand:
            users = unit_file.users_of(parts or {unit["name"]}, everything, used)
            _restart(plan, unit, users, now, by_hand=by_hand)
    return plan


def _restart(plan: Plan, unit: Resource, users: Sequence[Resource], now: Now, *, by_hand: bool) -> None:
    others = [one for one in users if one["name"] != unit["name"]]
    affected = [one for one in [unit, *others] if one["name"] in now.active or unit_file.should_run(one)]
    kept = [one["name"] for one in affected if one["name"] in now.active and _is_denied(one, unit["name"], now)]
    if kept and by_hand and not {*kept} & {*now.since.get(unit["name"], ())}:
        # The running service has the declared configuration: the file is repaired, and nothing is restarted.
        return
    reason = _why_not(unit["name"], kept) if kept else ""
    if unit["name"] in plan.replaced and unit["name"].endswith(".volume") and unit["on_delete"] != "destroy":
        reason = LOSES_DATA
    if reason:
        plan.refused[unit["name"]] = reason
        plan.replaced.pop(unit["name"], None)
    else:
        plan.restarts[unit["name"]] = [one["name"] for one in affected]


def restarted_by(secret: str, now: Now, *, by_hand: bool) -> tuple[list[Resource], str]:
    """The running units that a changed secret restarts, and why that may not be. `by_hand`: what runs has the wanted value."""
    used = {unit["name"]: unit_file.uses(unit) for unit in now.installed}
    affected = [one for one in unit_file.users_of([f"secret/{secret}"], now.installed, used) if one["name"] in now.active]
    kept = [one["name"] for one in affected if _is_denied(one, secret, now)]
    if kept and by_hand:
        return [], ""
    return affected, _why_not(secret, kept) if kept else ""


def _is_denied(unit: Resource, changed: str, now: Now) -> bool:
    """Whether a change must not restart a unit. For that of another one it counts what was applied, too: Pulumi sends that one alone."""
    return unit.get("restart") == "denied" or (unit["name"] != changed and unit["name"] in now.denied)


def _why_not(name: str, kept: Sequence[str]) -> str:
    if name in kept:
        return "the change restarts it; set `restart: allowed` on it to let that happen"
    return f"the change restarts {', '.join(kept)}; set `restart: allowed` on that and apply it, then apply this"


def changed_parts(unit: Resource, past: Sequence[records.Record], *, replaced: bool) -> set[str]:
    """Return the parts of a unit that may run in another form than declared: its name, or a file of it as `./path`."""
    name = unit["name"]
    if unit_file.object_of(unit):
        return {name} if replaced else set()
    wanted = unit_file.digests(unit)
    differing = {path for one in past for path in {*wanted, *one["files"]} if one["files"].get(path) != wanted.get(path)}
    return {name, *(f"./{path}" for path in differing if not unit_file.is_own_text(unit, path))} if differing else set()


def stale_objects(unit: Resource, past: Sequence[records.Record]) -> set[str]:
    """The networks or volumes of earlier applies that are not as the unit now wants them."""
    return {one["object"] for one in past if "object" in one and one["made"] != unit_file.made_of(unit)}


def merged(installed: Sequence[Resource], units: Sequence[Resource]) -> list[Resource]:
    """Return the units after the apply: these, and the installed ones that they do not replace."""
    names = {unit["name"] for unit in units}
    return [*units, *(unit for unit in installed if unit["name"] not in names)]


def past_of(record: records.Record | None) -> list[records.Record]:
    """Return the forms of a unit that may be on the host, according to its record."""
    if record is None:
        return []
    return [*([record] if "files" in record else []), *record.get("pending", [])]


def blamed(reasons: Mapping[str, str], plan: Plan, units: Sequence[Resource]) -> dict[str, str]:
    """Return what is out of sync, by the units of this run: each for itself, and for the units that it restarted."""
    mine = {unit["name"] for unit in units}
    found = {name: reason for name, reason in reasons.items() if name in mine}
    for cause, restarted in plan.restarts.items():
        others = [f"{name}, which uses it: {reasons[name]}" for name in restarted if name in reasons and name not in mine]
        if others:
            found[cause] = "\n".join([*([found[cause]] if cause in found else []), *others])
    return found


def still_used(names: Sequence[str], units: Sequence[Resource]) -> dict[str, str]:
    """The units that cannot go, since one that stays names them: Quadlet's generator would drop that one."""
    staying = [unit for unit in units if unit["name"] not in names]
    users = {name: [unit["name"] for unit in staying if name in unit_file.uses(unit)] for name in names}
    return {name: f"{', '.join(using)} still names it; change that first" for name, using in users.items() if using}
