"""Applies Quadlet units."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import chain

from ...core import records, system
from ...core.observer import Resource
from ...core.user_process import as_user
from ...observe.quadlet import home, objects, unit_file
from ...observe.quadlet.observer import QuadletUnit, lacking
from ...observe.quadlet.states import overridden, started
from ...observe.quadlet.users import account_of, by_user, closed_to, folder_of, store_of, user_of
from .. import each_user, image_registry
from ..writer import Change, Errors, Writer
from . import checks, images
from .files import applied_units, note_images, remove_files, write_all
from .plan import Now, Plan, blamed, make_plan, merged, past_of, still_used
from .readiness import is_up
from .services import Services


class QuadletUnitWriter(QuadletUnit, Writer):
    """Writes units in one batch per user: plan, check by the generator, write, reload, start, wait."""

    def __init__(self) -> None:
        self.now: dict[str, Now] = {}
        self.plans: dict[str, Plan] = {}
        self.masked: dict[str, list[str]] = {}
        self.overridden: dict[str, Errors] = {}

    def missing_prerequisites(self, units: Sequence[Resource], owner: str) -> Errors:
        return lacking({self.name_of(unit): user_of(unit) for unit in units}, owner)

    def rejections(self, units: Sequence[Resource], owner: str) -> Errors:
        errors = each_user.of_resources(units, lambda user, mine: self._rejections(user, mine, owner))
        to_change = [unit for unit in units if self.name_of(unit) in self.to_change and self.name_of(unit) not in errors]
        errors |= {self.name_of(unit): reason for unit in to_change if (reason := checks.no_archive(unit))}
        return errors | self._no_ports(to_change, units, owner) | self._no_images(to_change)

    def _rejections(self, user: str, units: Sequence[Resource], owner: str) -> Errors:
        self.now[user] = self._now(user, units, owner)
        self.plans[user] = make_plan(units, self.now[user])
        refused = self.plans[user].refused
        found = checks.generated(user, [one for one in units if one["name"] not in refused], self.now[user].installed, owner)
        changed = {name: text for name, text in found.made.items() if f"{user}/{name}" in self.to_change}
        return refused | found.refused | checks.refused_by_systemd(user, changed) | self.overridden.get(user, {})

    def _no_ports(self, to_change: Sequence[Resource], units: Sequence[Resource], owner: str) -> Errors:
        """The units that cannot have the ports which they publish."""
        if not any(unit_file.ports(unit) for unit in to_change):
            return {}
        owned = self.owned(owner)
        past = chain.from_iterable(past_of(records.read(owner, self.kind, name)) for name in owned)
        taken = {self.name_of(unit): why for unit, why in checks.taken_ports(to_change, owned, {one["service"] for one in past})}
        names = {self.name_of(unit) for unit in units}
        beside = publishing([name for name in owned if name not in names], owner)
        shared = {self.name_of(unit): checks.shared_ports(unit, units, beside) for unit in to_change}
        return taken | {name: reason for name, reason in shared.items() if reason}

    def _no_images(self, units: Sequence[Resource]) -> Errors:
        """Return the units whose image is in no store yet, and not in its registry either."""
        asked: dict[str, image_registry.Image] = {}
        for user, mine in by_user([unit for unit in units if images.image_of(unit)]):
            everything = merged(self.now[user].installed, [unit for unit in units if user_of(unit) == user])
            found = images.to_ask(account_of(user), store_of(user), mine, everything)
            asked.update({f"{user}/{name}": image for name, image in found.items()})
        absent = image_registry.absent(asked.values())
        return {name: f"there is no image {image} ({image.registry} answers 404)" for name, image in asked.items() if image in absent}

    def disruption(self, change: Change) -> str:
        name, plan = change.resource["name"], self.plans.get(user_of(change.resource), Plan())
        if name in plan.replaced:
            return "data-loss" if name.endswith(".volume") else "replace"
        runs = {*plan.restarts.get(name, [])} & {*self.now.get(user_of(change.resource), Now()).active}
        return "restart" if runs else "live"

    def affected(self, change: Change, owner: str) -> list[str]:
        user, name = user_of(change.resource), change.resource["name"]
        return [f"{self.kind} {user}/{one}" for one in self.plans.get(user, Plan()).restarts.get(name, []) if one != name]

    def has_data(self, name: str) -> bool:
        return name.endswith(".volume")

    def journal_excerpt(self, change: Change) -> str:
        return Services(user_of(change.resource)).journal(change.resource)

    def pending_record(self, change: Change) -> records.Record:
        """Return what was applied before and all that was tried since: any of these may be on the host."""
        tried = [one for one in change.record.get("pending", []) if one != self.record_of(change.resource)]
        policy = {"on_delete": change.resource["on_delete"], "restart": change.resource["restart"]}
        return {**policy, **change.record, "pending": [*tried, self.record_of(change.resource)]}

    def _now(self, user: str, units: Sequence[Resource], owner: str) -> Now:
        """Return the present state of a user, as far as a plan for these units needs it."""
        folder = folder_of(user, owner)
        if folder is None or not system.installed("podman"):
            return Now()
        services = Services(user)
        installed = self._installed(user, owner)
        everything = merged(installed, units)
        of = {unit["name"]: records.read(owner, self.kind, f"{user}/{unit['name']}") for unit in everything}
        past = {name: past_of(record) for name, record in of.items()}
        states = services.states(everything)
        self.masked[user] = [unit_file.service_of(unit) for unit in everything if states[unit["name"]].get("LoadState") == "masked"]
        to_change = [unit for unit in units if self.name_of(unit) in self.to_change]
        reasons = {unit["name"]: overridden(unit_file.service_of(unit), states[unit["name"]]) for unit in to_change}
        self.overridden[user] = {name: reason for name, reason in reasons.items() if reason}
        noted = {unit["name"]: objects.noted(user, unit) for unit in units}
        store = store_of(user)

        def lost_of(unit: Resource) -> list[str]:
            name = unit["name"]
            return objects.differences(user, store, unit, states[name], noted=noted[name], others=lambda: installed)

        def look() -> tuple[dict[str, float], list[str]]:
            edited = {unit["name"]: home.last_edit(folder, unit) for unit in units if home.file_drift(folder, unit)}
            return edited, [unit["name"] for unit in units if lost_of(unit)]

        edited, lost = as_user(services.account, look)
        asked = any(unit_file.object_of(unit) and past[unit["name"]] for unit in units)
        return Now(
            installed=installed,
            past=past,
            edited=edited,
            since={name: {one for one, state in states.items() if started(state) > when} for name, when in edited.items()},
            active={name for name, state in states.items() if is_up(state)},
            lost=lost,
            objects=services.objects() if asked else (),
            denied={name for name, record in of.items() if record and record.get("restart") == "denied"},
        )

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        of_user = {user: [one for one in changes if user_of(one.resource) == user] for user in {user_of(one.resource) for one in changes}}
        resources = [change.resource for change in changes]
        return each_user.of_resources(resources, lambda user, _: self._apply(Services(user), of_user[user], owner))

    def _apply(self, services: Services, changes: Sequence[Change], owner: str) -> Errors:
        folder = folder_of(services.user, owner)
        assert folder is not None
        units = [change.resource for change in changes]
        now = self.now[services.user]
        plan, everything = make_plan(units, now), merged(now.installed, units)
        failed = plan.refused | services.make_way(plan, everything)
        self._remember_replaced([change for change in changes if change.resource["name"] in plan.replaced.keys() - failed.keys()], owner)
        failed |= write_all(folder, [change for change in changes if change.resource["name"] not in failed], services.account)
        good = [unit for unit in units if unit["name"] not in failed]
        restarted = set(chain.from_iterable(plan.restarts.values()))
        needed = [*good, *(unit for unit in everything if unit["name"] in restarted)]
        services.unmask([service for service in map(unit_file.service_of, needed) if service in self.masked.get(services.user, [])])
        services.reload()
        services.pull(good)
        reasons = services.bring_up(good, [unit for unit in everything if unit["name"] in restarted - failed.keys()])
        note_images(services, everything)
        return blamed(reasons, plan, good) | failed

    def _remember_replaced(self, changes: Sequence[Change], owner: str) -> None:
        """Record that these were removed, in case this run ends here."""
        for change in changes:
            record = records.read(owner, self.kind, change.seen.name) or {}
            made = {"object": unit_file.object_of(change.resource), "made": unit_file.made_of(change.resource)}
            pending = [{**one, **made} for one in record.get("pending", [])]
            records.write(owner, self.kind, change.seen.name, {**record, **made, "pending": pending})

    def _installed(self, user: str, owner: str) -> list[Resource]:
        """The owner's units of a user that are there and stay, each with its drop-ins."""
        to_remove = [name.split("/", 1)[1] for name in self.to_remove if name.startswith(f"{user}/")]
        return [unit for unit in home.units_of(user, owner) if unit["name"] not in to_remove]

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        return each_user.of_names(names, lambda user, mine: still_used(mine, applied_units(user, owner, own=False)))

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        return each_user.of_names(names, lambda user, mine: self._remove(user, mine, owner))

    def _remove(self, user: str, names: Sequence[str], owner: str) -> Errors:
        folder = folder_of(user, owner)
        if folder is None:
            return {}
        services = Services(user)
        units = home.units_of(user, owner)
        failed = still_used(names, applied_units(user, owner))
        past = {name: past_of(records.read(owner, self.kind, f"{user}/{name}")) for name in names if name not in failed}
        found = {unit["name"]: self.record_of(unit | self.defaults) for unit in units if unit["name"] in past}
        with services.manager():
            services.stop(sorted({one["service"] for name, all_of in past.items() for one in [*all_of, found.get(name)] if one}))
            paths = {name: {name, *chain.from_iterable(one["files"] for one in all_of)} for name, all_of in past.items()}
            as_user(services.account, lambda: remove_files(folder, set(chain.from_iterable(paths.values())), services))
            services.reload()
            return failed | self._drop(services, past, found, owner)

    def _drop(self, services: Services, past: dict[str, list[records.Record]], found: dict[str, records.Record], owner: str) -> Errors:
        """Remove the networks that units created, and the volumes where the last apply allowed it."""
        objects = {}
        for name, all_of in past.items():
            record = records.read(owner, self.kind, f"{services.user}/{name}") or {}
            if name.endswith(".network") or record.get("on_delete") == "destroy":
                objects.update({one["object"]: name for one in [*all_of, found.get(name)] if one and "object" in one})
        there = services.objects() if objects else set()
        left = services.drop([one for one in objects if one in there])
        return {objects[one]: reason for one, reason in left.items()}


def publishing(names: Sequence[str], owner: str) -> list[Resource]:
    """Return an owner's units on this host that publish ports and run."""
    found = []
    for user in dict.fromkeys(name.split("/", 1)[0] for name in names):
        folder = folder_of(user, owner)
        # What cannot be read takes no port from another user; the start of a service tells in any case.
        with contextlib.suppress(OSError, system.CommandError):
            if folder and not closed_to(user, owner):
                units = [unit for unit in home.units_of(user, owner) if f"{user}/{unit['name']}" in names and unit_file.ports(unit)]
                active = Services(user).active(units)
                found += [{**unit, "user": user} for unit in units if unit["name"] in active]
    return found
