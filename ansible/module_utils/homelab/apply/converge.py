"""How every kind is applied and removed: observe, reject or apply, observe again, verify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import records, system
from ..core.observer import Observation, Resource, ownership_of, text_of
from .host_session import HostSession, missing_rollback
from .writer import Change, Errors, Writer

Result = dict[str, Any]

PROTECTED = "it is protected; declare it without `protect: true`, apply that, and remove it then"


def converge(writer: Writer, resources: Sequence[Resource], owner: str, session: HostSession | None) -> list[Result]:
    """Bring resources in sync and return one result each. Without a `session`, report what would be done."""
    before = writer.detect(resources, owner)
    if session and not all(seen.in_sync for seen in before):
        session.lock()
        before = writer.detect(resources, owner)
    rejected = _not_ours(writer, resources, before, owner)
    changes = [
        Change(resource, seen, records.read(owner, writer.kind, seen.name) or {})
        for resource, seen in zip(resources, before, strict=True)
        if seen.name not in rejected and not seen.in_sync
    ]
    missing = _check(writer, changes, resources, owner, rejected)
    rejected.update(_protected_from(writer, changes, missing))
    if session:
        rejected.update({name: reason for name, reason in missing.items() if name in writer.to_change})
    changes = [change for change in changes if change.seen.name not in rejected]
    results = {seen.name: result_of(seen) for seen in before}
    _announce(writer, changes, missing, owner, results)
    for name, reason in rejected.items():
        if name in results:
            results[name].update(failed=True, msg=reason)
    if changes and session:
        names = [change.seen.name for change in changes]
        _mark_tried(results, names)
        if reason := with_rollback(writer, names, session, lambda: _apply(writer, changes, owner, results)):
            for name in names:
                results[name].update(failed=True, changed=False, msg=reason)
    return list(results.values())


def clear(writer: Writer, names: Sequence[str], owner: str, session: HostSession | None) -> list[Result]:
    """Remove resources by name and return one result each. Without a `session`, report what would be done."""
    if session and names:
        session.lock()
    owned = set(writer.owned(owner))
    present = [name for name in names if name in owned]
    results = {
        name: result_of(Observation(name)) | {"changed": name in present, "diff": "remove" if name in present else ""} for name in names
    }
    for name in present:
        results[name].update(disruption="data-loss" if loses_data(writer, name, owner) else "")
    if not session:
        for name, reason in removal_blockers_of(writer, present, owner).items():
            results[name].update(failed=True, changed=False, msg=reason)
        return list(results.values())
    errors = protected(writer, present, owner) | still_needed(writer, present)
    present = [name for name in present if name not in errors]
    _mark_tried(results, present)
    if present and (reason := with_rollback(writer, present, session, lambda: errors.update(writer.remove(present, owner)))):
        errors.update(dict.fromkeys(present, reason))
    for name in names:
        if name in errors:
            results[name].update(failed=True, msg=errors[name])
        else:
            records.remove(owner, writer.kind, name)
    return list(results.values())


def _mark_tried(results: dict[str, Result], names: Sequence[str]) -> None:
    """Note that the host is about to be changed for these resources; role `history` names them, however that ends."""
    for name in names:
        results[name].update(tried=True)


def with_rollback(writer: Writer, names: Sequence[str], session: HostSession, change: Callable[[], None]) -> str:
    """Make a change, with a rollback armed where it may disconnect the host. Return why it was not made or did not stay, else ''."""
    if not writer.can_disconnect(names):
        change()
        return ""
    reason = session.arm(writer.tables_of(names), writer.parameters_of(names))
    if not reason:
        change()
        reason = session.extend()
    return reason


def removal_blockers_of(writer: Writer, names: Sequence[str], owner: str) -> Errors:
    """Return why the host would not remove resources. Others of the owner may leave in the same run."""
    try:
        return writer.removal_blockers(names, owner) | still_needed(writer, names, owner) | protected(writer, names, owner)
    except Exception as error:
        return dict.fromkeys(names, f"it cannot be checked what needs it: {type(error).__name__}: {error}")


def protected(writer: Writer, names: Sequence[str], owner: str) -> Errors:
    """Return the resources whose last apply protects them, by name."""
    recorded = {name: records.read(owner, writer.kind, name) or {} for name in names}
    return {name: PROTECTED for name, record in recorded.items() if record.get("protect")}


def still_needed(writer: Writer, names: Sequence[str], leaving: str = "") -> Errors:
    """Return which recorded resources need these, by name; those of an owner may be `leaving`."""
    needed = {name: [one for one in writer.needed_by(name) if one[0] != leaving] for name in names}
    return {name: _first_of(found) for name, found in needed.items() if found}


def _first_of(needing: Sequence[records.Recorded]) -> str:
    owner, kind, name = needing[0]
    more = f" (and {len(needing) - 1} more)" if len(needing) > 1 else ""
    return f"{kind} {name} of owner '{owner}'{more} needs it; remove that first"


def loses_data(writer: Writer, name: str, owner: str) -> bool:
    """Return whether the removal of a resource deletes its data."""
    return writer.has_data(name) and (records.read(owner, writer.kind, name) or {}).get("on_delete") == "destroy"


def result_of(seen: Observation) -> Result:
    """Return the result of a resource to which nothing was done yet."""
    return {
        "name": seen.name,
        "changed": False,
        "tried": False,
        "failed": False,
        "present": seen.present,
        "msg": "",
        "diff": "" if seen.unknown else text_of(seen) if seen.present else "create",
        "differences": text_of(seen),
        "disruption": "",
        "affected": [],
        "facts": seen.facts,
    }


def _not_ours(writer: Writer, resources: Sequence[Resource], seen: Sequence[Observation], owner: str) -> Errors:
    """Return the resources that exist and are not the owner's, without the consent to take them over."""
    errors: Errors = {}
    for resource, found in zip(resources, seen, strict=True):
        if not found.present or found.unknown or writer.is_ours(found, owner):
            continue
        other = found.owner or records.other_owner(owner, writer.kind, found.name)
        if resource.get("adopt_from") == other if other else resource.get("adopt"):
            continue
        whose, consent = (f"owned by '{other}'", f"adopt_from: {other}") if other else (ownership_of(found), "adopt: true")
        errors[found.name] = f"it exists and is {whose}. Set `{consent}` to take it over. It differs by:\n{text_of(found)}"
    return errors


def _check(writer: Writer, changes: Sequence[Change], resources: Sequence[Resource], owner: str, rejected: Errors) -> Errors:
    """Return missing prerequisites by name, and add to `rejected` what the host would not take."""
    writer.to_change = [change.seen.name for change in changes]
    if not changes:
        return {}
    missing = writer.missing_prerequisites(resources, owner)
    unread = {change.seen.name: change.seen.unknown for change in changes if change.seen.unknown}
    rejected.update({name: reason for name, reason in unread.items() if name not in missing})
    rejected.update(writer.rejections([one for one in resources if writer.name_of(one) not in missing], owner))
    if "host" not in writer.changed_kinds and (reason := missing_rollback()):
        rejected.update({name: reason for name in writer.to_change if name not in missing and writer.can_disconnect([name])})
    return missing


def _protected_from(writer: Writer, changes: Sequence[Change], missing: Errors) -> Errors:
    """Return which protected resources a change would replace, or whose data it would lose."""
    guarded = [change for change in changes if change.resource.get("protect") and change.seen.name not in missing]
    classes = {change.seen.name: writer.disruption(change) for change in guarded}
    found = {name: word for name, word in classes.items() if word in ("replace", "data-loss")}
    return {
        name: f"it is protected, and this change means {word} for it; remove `protect: true` to allow that" for name, word in found.items()
    }


def _announce(writer: Writer, changes: Sequence[Change], missing: Errors, owner: str, results: dict[str, Result]) -> None:
    for change in changes:
        name = change.seen.name
        # In check mode, this very run may provide what is missing.
        results[name].update(changed=True, msg=f"not checked on the host: {missing[name]}" if name in missing else "")
        if name not in missing:
            results[name].update(disruption=writer.disruption(change), affected=writer.affected(change, owner))


def _apply(writer: Writer, changes: Sequence[Change], owner: str, results: dict[str, Result]) -> None:
    try:
        for change in changes:
            # Written first, so that it is there when this process is killed.
            records.write(owner, writer.kind, change.seen.name, writer.pending_record(change))
        errors = writer.apply(changes, owner)
        _verify(writer, changes, owner, errors, results)
    except (OSError, system.CommandError) as error:
        # Such as a full disk, or a command that hangs.
        for change in changes:
            results[change.seen.name].update(failed=True, msg=f"Interrupted: {error}")


def _verify(writer: Writer, changes: Sequence[Change], owner: str, errors: Errors, results: dict[str, Result]) -> None:
    """Observe again: only what is in sync counts as applied and is recorded."""
    resources = [change.resource for change in changes]
    for change, seen in zip(changes, writer.observe(resources, owner), strict=True):
        remaining = seen.unknown or (text_of(seen) if seen.present else "it does not exist")
        failure = errors.get(seen.name) or (remaining and _still_differs(writer, change, remaining))
        if failure:
            results[seen.name].update(failed=True, msg=failure)
            if not seen.present and not seen.unknown and not change.record:
                records.remove(owner, writer.kind, seen.name)
        else:
            records.write(owner, writer.kind, seen.name, writer.whole_record(change.resource))
            if change.resource.get("adopt") or change.resource.get("adopt_from"):
                records.hand_over(owner, writer.kind, seen.name)
        results[seen.name].update(facts=seen.facts, differences=remaining, present=seen.present)


def _still_differs(writer: Writer, change: Change, remaining: str) -> str:
    return f"Applied, but the host still differs:\n{remaining}\n{writer.journal_excerpt(change)}".strip()
