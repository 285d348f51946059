"""The one way in which a kind's Ansible module works: observe, refuse or apply, observe again, verify."""

from __future__ import annotations

import base64
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import records
from .kind import Kind, Observation, Unit, drift_text, whose

Errors = dict[str, str]
Result = dict[str, Any]


@dataclass
class Change:
    """A unit that the host does not hold as wanted, what the host said of it, and the record of its last apply."""

    unit: Unit
    seen: Observation
    record: records.Record


class Writer(Kind):
    """A kind that can also be changed. Only a subclass of this, in library/, changes a host.

    going     the names that are removed once the others are applied
    changing  the names that do not hold as they are wanted
    values    secret values by name, which nothing that is told may hold
    """

    going: Sequence[str] = ()
    changing: Sequence[str] = ()
    values: Mapping[str, str] = {}

    def lacks(self, units: Sequence[Unit], owner: str) -> Errors:
        """What must be on the host before units can be tried, by name. Other roles of the same run may bring it."""
        return {}

    def refuse(self, units: Sequence[Unit], owner: str) -> Errors:
        """Why units cannot be applied, by name, found without changing anything. `units` is the whole set."""
        return {}

    def disruption(self, change: Change) -> str:
        """What applying a change does to what runs: live, restart, next-boot, replace or data-loss."""
        return "live"

    def attempt(self, change: Change) -> records.Record:
        """The record while a change is being applied: until it is verified, a unit counts as not applied."""
        return {**(change.record or self.record_of(change.unit)), "pending": True}

    def last_words(self, change: Change) -> str:
        """What the host's journal says of a unit that does not hold."""
        return ""

    @abstractmethod
    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        """Make the host hold these units. Returns what failed, by name; one bad unit fails alone."""

    @abstractmethod
    def remove(self, names: Sequence[str], owner: str) -> Errors:
        """Remove these of our objects. Returns what failed, by name."""


def run_module(writer: Writer) -> None:
    """Run a kind's module: apply `units` and say what is `going`, or, in a later run of it, `remove` names.

    It exits 0 with one result per unit; role `report` fails on bad ones.
    """
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "dict", "default": []},
            "contents": {"type": "dict", "default": {}},
            # base64 of JSON: Ansible blots out what is secret wherever it stands in results, and a short value stands in many.
            "secret_values": {"type": "str", "default": "", "no_log": True},
            "absent": {"type": "list", "elements": "str", "default": []},
            "remove": {"type": "list", "elements": "str", "default": []},
            "owner": {"type": "str", "required": True},
            "prune": {"type": "bool", "default": False},
            "report_undeclared": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    owner = params["owner"]
    if params["remove"]:
        removed = clear(writer, params["remove"], owner, module.check_mode)
        return leave(module, writer, removed, units=[], removed=removed)
    writer.values = json.loads(base64.b64decode(params["secret_values"]) or "{}")
    units = [writer.normalise(unit, params["contents"]) for unit in params["units"]]
    wanted = {writer.name_of(unit) for unit in units}
    gone = [name for name in params["absent"] if name not in wanted]
    undeclared = [name for name in writer.owned(owner) if name not in (*wanted, *gone)] if params["report_undeclared"] else []
    writer.going = [*gone, *(undeclared if params["prune"] else [])]
    results = converge(writer, units, owner, module.check_mode)
    told = [] if params["prune"] else undeclared
    return leave(module, writer, results, units=results, removed=[], going=writer.going, undeclared=told)


def leave(module: AnsibleModule, writer: Writer, results: Sequence[Result], **what: Any) -> None:
    """End the module's run with what it did."""
    module.exit_json(
        changed=any(result["changed"] for result in results),
        kind=writer.kind,
        failures=[f"{writer.kind} {result['name']}: {result['msg']}" for result in results if result["failed"]],
        diff=[{"prepared": f"{writer.kind} {r['name']}: {r['diff']}\n"} for r in results if r["diff"]],
        **what,
    )


def converge(writer: Writer, units: Sequence[Unit], owner: str, check_mode: bool) -> list[Result]:
    """Bring units to the wanted state and say for each what was done."""
    before = writer.look(units, owner)
    refused = _foreign(writer, units, before, owner)
    changes = [
        Change(unit, seen, records.read(owner, writer.kind, seen.name) or {})
        for unit, seen in zip(units, before, strict=True)
        if seen.name not in refused and (seen.drift or not seen.present)
    ]
    lacking: Errors = {}
    writer.changing = [change.seen.name for change in changes]
    if changes:
        lacking = writer.lacks(units, owner)
        refused.update(writer.refuse([unit for unit in units if writer.name_of(unit) not in lacking], owner))
    if not check_mode:
        refused.update(lacking)
    changes = [change for change in changes if change.seen.name not in refused]
    results = {seen.name: _result(seen) for seen in before}
    for change in changes:
        name = change.seen.name
        # In check mode what lacks may be what this very run would make.
        msg = f"not checked on the host: {lacking[name]}" if name in lacking else ""
        results[name].update(changed=True, msg=msg, disruption=writer.disruption(change))
    for name, reason in refused.items():
        if name in results:
            results[name].update(failed=True, msg=reason)
    if changes and not check_mode:
        for change in changes:
            # Also when this process dies.
            records.write(owner, writer.kind, change.seen.name, writer.attempt(change))
        errors = writer.apply(changes, owner)
        _verify(writer, changes, owner, errors, results)
    return list(results.values())


def _verify(writer: Writer, changes: Sequence[Change], owner: str, errors: Errors, results: dict[str, Result]) -> None:
    """Success means that the host was seen to hold what is wanted; only that is recorded."""
    units = [change.unit for change in changes]
    for change, seen in zip(changes, writer.observe(units, owner), strict=True):
        remaining = drift_text(seen) if seen.present else "it is not there"
        failure = errors.get(seen.name) or (remaining and not_held(writer, change, remaining))
        if failure:
            results[seen.name].update(failed=True, msg=failure)
            if not seen.present and not change.record:
                records.remove(owner, writer.kind, seen.name)
        else:
            records.write(owner, writer.kind, seen.name, writer.record_of(change.unit))
        results[seen.name].update(facts=seen.facts, drift=remaining, present=seen.present)


def not_held(writer: Writer, change: Change, remaining: str) -> str:
    """What is said of a unit that was applied without an error, and differs all the same."""
    return f"applied, but the host does not hold it:\n{remaining}\n{writer.last_words(change)}".strip()


def clear(writer: Writer, names: Sequence[str], owner: str, check_mode: bool) -> list[Result]:
    """Remove units by name and say for each what was done."""
    owned = set(writer.owned(owner))
    there = [name for name in names if name in owned]
    results = {name: _result(Observation(name)) | {"changed": name in there, "diff": "remove" if name in there else ""} for name in names}
    if check_mode:
        return list(results.values())
    errors = writer.remove(there, owner) if there else {}
    for name in names:
        if name in errors:
            results[name].update(failed=True, msg=errors[name])
        else:
            records.remove(owner, writer.kind, name)
    return list(results.values())


def _foreign(writer: Writer, units: Sequence[Unit], seen: Sequence[Observation], owner: str) -> Errors:
    return {
        found.name: f"{whose(found)}; set `adopt: true` on the unit to take it over. It differs by:\n{drift_text(found)}"
        for unit, found in zip(units, seen, strict=True)
        if found.present and not writer.is_ours(found, owner) and not unit.get("adopt")
    }


def _result(seen: Observation) -> Result:
    return {
        "name": seen.name,
        "changed": False,
        "failed": False,
        "present": seen.present,
        "msg": "",
        "diff": drift_text(seen) if seen.present else "create",
        "drift": drift_text(seen),
        "disruption": "",
        "facts": seen.facts,
    }
