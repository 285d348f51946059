"""Answers requests to observe: of a refresh, whose observers come with it, and of a reader, whose login may do nothing else.

A request has groups of {kind, owner, resources}. An answer has, per group, {observations: [{name, present, differences, facts} or
{name, error}]} or {error}.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from typing import Any

from ..core import specification, validation
from ..core.observer import Observation, Observer
from ..core.printable import printable
from . import doctor, history, survey
from .kinds import BY_NAME
from .whole_host import WholeHost

Group = dict[str, Any]
Answer = dict[str, Any]

WHOLE: dict[str, WholeHost] = {one.kind: one for one in (doctor.observer, history.observer, survey.observer)}
OBSERVERS: dict[str, Observer] = {**BY_NAME, **WHOLE}
LARGEST_REQUEST = 16 * 1024 * 1024
SECONDS = 280


def answers(groups: list[Group]) -> list[Answer]:
    """Return the answers to groups that are trusted: whoever sent them is root here."""
    found: list[Answer] = printable([_answer(group) for group in groups])
    return found


def _answer(group: Group) -> Answer:
    """Return what one kind's observer reads of its resources; a failing read is an error, never 'absent'."""
    try:
        kind = group["kind"]
        # Whoever is root may also send an observer of their own.
        observer = OBSERVERS.get(kind) or importlib.import_module(f"{__package__}.{kind}").observer
        seen = observer.detect([observer.normalise(one, {}) for one in group["resources"]], group["owner"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"observations": [_shown(one) for one in seen]}


def _shown(one: Observation) -> Answer:
    if one.unknown:
        return {"name": one.name, "error": one.unknown}
    return {"name": one.name, "present": one.present, "differences": "\n".join(one.differences), "facts": one.facts}


def main() -> None:
    """Answer the request of a reader on standard input. It is trusted with looking alone, so all of it is checked first."""
    signal.alarm(SECONDS)
    text = sys.stdin.buffer.read(LARGEST_REQUEST + 1)
    if len(text) > LARGEST_REQUEST:
        sys.exit(f"a request is at most {LARGEST_REQUEST // 2**20} MiB")
    try:
        groups = json.loads(text)["groups"]
        faults = [fault for group in groups for fault in _faults(group)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sys.exit("expected a JSON request {groups: [{kind, owner, resources}]}")
    if faults:
        sys.exit("\n".join(str(printable(fault)) for fault in faults))
    sys.stdout.write("\n" + json.dumps(answers(groups)) + "\n")


def _faults(group: Group) -> list[str]:
    kind, owner, resources = group["kind"], group["owner"], group["resources"]
    if kind not in OBSERVERS or not isinstance(resources, list) or not all(isinstance(one, dict) for one in resources):
        return [f"{kind!r:.80} is no kind, or its resources are no mappings"]
    faults = validation.errors(specification.OWNER, owner, "owner")
    whole, observer = WHOLE.get(kind), OBSERVERS[kind]
    if whole:
        return faults + [fault for one in resources for fault in whole.faults(one)]
    return faults + [f"{kind}: {fault}" for one in resources for fault in observer.errors(observer.normalise(one, {}))]


if __name__ == "__main__":
    main()
