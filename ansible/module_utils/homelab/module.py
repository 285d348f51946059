"""The one way in which a kind's Ansible module works: observe, refuse or apply, observe again, verify."""

from __future__ import annotations

import base64
import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible.module_utils.basic import AnsibleModule

from . import lock, records, texts
from .hold import Hold, no_way_back
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
    cuts_off  a change can cut this host off, so it is taken back unless a new login confirms it
    values    secret values by name, which nothing that is told may hold
    brought   the kinds of which the same run changed something before, or in check mode would
    """

    cuts_off: ClassVar[bool] = False
    going: Sequence[str] = ()
    changing: Sequence[str] = ()
    values: Mapping[str, str] = {}
    brought: Collection[str] = ()

    def lacks(self, units: Sequence[Unit], owner: str) -> Errors:
        """What must be on the host before units can be tried, by name. Other roles of the same run may bring it."""
        return {}

    def refuse(self, units: Sequence[Unit], owner: str) -> Errors:
        """Why units cannot be applied, by name, found without changing anything. `units` is the whole set."""
        return {}

    def disruption(self, change: Change) -> str:
        """What applying a change does to what runs: live, restart, next-boot, replace or data-loss."""
        return "live"

    def touches(self, change: Change, owner: str) -> list[str]:
        """What else of the host a change reaches: restarts, or takes off the network for a moment."""
        return []

    def has_data(self, name: str) -> bool:
        """Whether a unit has data that its removal takes with it, if it says so."""
        return True

    def stays(self, names: Sequence[str], owner: str) -> Errors:
        """Why the host would not let go of units, by name. What else is the owner's is not asked: it may leave in the same run."""
        return {}

    def attempt(self, change: Change) -> records.Record:
        """The record while a change is being applied: until it is verified, a unit counts as not applied."""
        return {**(change.record or self.record_of(change.unit)), "pending": True}

    def last_words(self, change: Change) -> str:
        """What the host's journal says of a unit that does not hold."""
        return ""

    def tables_of(self, names: Sequence[str]) -> Sequence[str]:
        """The nftables tables that a change of these units changes."""
        return []

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
            "run": {"type": "dict", "required": True},
            "prune": {"type": "bool", "default": False},
            "report_undeclared": {"type": "bool", "default": False},
            "brought": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    if bad := texts.faults(texts.OWNER, "homelab_owner", module.params["owner"]):
        module.fail_json(msg=bad[0])
    hold = None if module.check_mode else Hold(module.params["run"])
    try:
        results, what = work(writer, module.params, hold)
    except lock.Held as held:
        module.fail_json(msg=str(held), refused=True)
    module.exit_json(
        changed=any(result["changed"] for result in results),
        kind=writer.kind,
        failures=[f"{writer.kind} {result['name']}: {result['msg']}" for result in results if result["failed"]],
        diff=[{"prepared": f"{writer.kind} {r['name']}{_shown(r['disruption'])}: {r['diff']}\n"} for r in results if r["diff"]],
        taken=hold is not None and hold.taken,
        armed=hold is not None and hold.armed,
        **what,
    )


def work(writer: Writer, params: dict[str, Any], hold: Hold | None) -> tuple[Sequence[Result], dict[str, Any]]:
    """What was done of each unit, and what else is told. Without a `hold` nothing is changed, as in check mode."""
    owner = params["owner"]
    if hold:
        hold.settle()
    if params["remove"]:
        removed = clear(writer, params["remove"], owner, hold)
        return removed, {"units": [], "removed": removed}
    writer.brought = params["brought"]
    writer.values = json.loads(base64.b64decode(params["secret_values"]) or "{}")
    units = [writer.normalise(unit, params["contents"]) for unit in params["units"]]
    wanted = {name for unit in units for name in writer.names_of(unit)}
    units, malformed = sort_out(writer, units)
    gone = [name for name in params["absent"] if name not in wanted]
    undeclared = [name for name in writer.owned(owner) if name not in (*wanted, *gone)] if params["report_undeclared"] else []
    writer.going = [*gone, *(undeclared if params["prune"] else [])]
    results = converge(writer, units, owner, hold) + malformed
    told = [] if params["prune"] else undeclared
    losing = [name for name in told if loses_data(writer, name, owner)]
    staying = {} if hold else staying_of(writer, told, owner)
    leaving = {"going": writer.going, "undeclared": told, "losing": losing, "staying": staying}
    return results, {"units": results, "removed": [], **leaving}


def staying_of(writer: Writer, names: Sequence[str], owner: str) -> Errors:
    """Why the host would not let go of units; where that cannot be seen just now, their removal itself will say it."""
    try:
        return writer.stays(names, owner)
    except Exception:
        return {}


def loses_data(writer: Writer, name: str, owner: str) -> bool:
    """Whether the removal of a unit takes its data with it."""
    return writer.has_data(name) and (records.read(owner, writer.kind, name) or {}).get("on_delete") == "destroy"


def sort_out(writer: Writer, units: Sequence[Unit]) -> tuple[list[Unit], list[Result]]:
    """The units whose texts are good, and the results of the others, which nothing on the host ever sees."""
    reasons = [(unit, "; ".join(writer.faults(unit))) for unit in units]
    bad = [(Observation(writer.name_of(unit)), reason) for unit, reason in reasons if reason]
    results = [_result(seen) | {"failed": True, "msg": reason, "diff": ""} for seen, reason in bad]
    return [unit for unit, reason in reasons if not reason], results


def converge(writer: Writer, units: Sequence[Unit], owner: str, hold: Hold | None) -> list[Result]:
    """Bring units to the wanted state and say for each what was done."""
    before = writer.look(units, owner)
    if hold and not all(seen.holds for seen in before):
        hold.take()
        before = writer.look(units, owner)
    refused = _foreign(writer, units, before, owner)
    changes = [
        Change(unit, seen, records.read(owner, writer.kind, seen.name) or {})
        for unit, seen in zip(units, before, strict=True)
        if seen.name not in refused and not seen.holds
    ]
    lacking: Errors = {}
    writer.changing = [change.seen.name for change in changes]
    if changes:
        lacking = writer.lacks(units, owner)
        refused.update(writer.refuse([unit for unit in units if writer.name_of(unit) not in lacking], owner))
        if writer.cuts_off and "host" not in writer.brought and (reason := no_way_back()):
            refused.update({name: reason for name in writer.changing if name not in lacking})
    if hold:
        refused.update({name: reason for name, reason in lacking.items() if name in writer.changing})
    changes = [change for change in changes if change.seen.name not in refused]
    results = {seen.name: _result(seen) for seen in before}
    for change in changes:
        name = change.seen.name
        # In check mode what lacks may be what this very run would make.
        msg = f"not checked on the host: {lacking[name]}" if name in lacking else ""
        results[name].update(changed=True, msg=msg)
        if name not in lacking:
            results[name].update(disruption=writer.disruption(change), touches=writer.touches(change, owner))
    for name, reason in refused.items():
        if name in results:
            results[name].update(failed=True, msg=reason)
    if changes and hold:
        names = [change.seen.name for change in changes]
        if reason := with_way_back(writer, names, hold, lambda: _apply(writer, changes, owner, results)):
            for name in names:
                results[name].update(failed=True, changed=False, msg=reason)
    return list(results.values())


def with_way_back(writer: Writer, names: Sequence[str], hold: Hold, change: Callable[[], None]) -> str:
    """Make a change, behind a way back where it could cut the host off; says why it was not made, else nothing."""
    if not writer.cuts_off:
        change()
        return ""
    reason = hold.arm(writer.tables_of(names))
    if not reason:
        change()
        # A new login has its whole time from now on.
        hold.arm([])
    return reason


def _apply(writer: Writer, changes: Sequence[Change], owner: str, results: dict[str, Result]) -> None:
    try:
        for change in changes:
            # Also when this process dies.
            records.write(owner, writer.kind, change.seen.name, writer.attempt(change))
        errors = writer.apply(changes, owner)
        _verify(writer, changes, owner, errors, results)
    except OSError as error:
        # Such as a full disk.
        for change in changes:
            results[change.seen.name].update(failed=True, msg=f"it broke off: {error}")


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
            if change.unit.get("adopt"):
                records.hand_over(owner, writer.kind, seen.name)
        results[seen.name].update(facts=seen.facts, drift=remaining, present=seen.present)


def not_held(writer: Writer, change: Change, remaining: str) -> str:
    """What is said of a unit that was applied without an error, and differs all the same."""
    return f"applied, but the host does not hold it:\n{remaining}\n{writer.last_words(change)}".strip()


def clear(writer: Writer, names: Sequence[str], owner: str, hold: Hold | None) -> list[Result]:
    """Remove units by name and say for each what was done."""
    if hold and names:
        hold.take()
    owned = set(writer.owned(owner))
    there = [name for name in names if name in owned]
    results = {name: _result(Observation(name)) | {"changed": name in there, "diff": "remove" if name in there else ""} for name in names}
    for name in there:
        results[name].update(disruption="data-loss" if loses_data(writer, name, owner) else "")
    if not hold:
        for name, reason in staying_of(writer, there, owner).items():
            results[name].update(failed=True, changed=False, msg=reason)
        return list(results.values())
    errors: Errors = {}
    if there and (reason := with_way_back(writer, there, hold, lambda: errors.update(writer.remove(there, owner)))):
        errors = dict.fromkeys(there, reason)
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


def _shown(disruption: str) -> str:
    """What a change does to what runs, where it does anything."""
    return "" if disruption in ("", "live") else f" ({disruption})"


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
        "touches": [],
        "facts": seen.facts,
    }
