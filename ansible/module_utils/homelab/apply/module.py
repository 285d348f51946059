"""The Ansible module of every kind: its parameters, its work, its result."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..core import identity, specification, validation
from ..core.observer import Observation, Resource
from ..core.printable import printable
from . import lock
from .converge import Result, clear, converge, loses_data, removal_blockers_of, result_of
from .host_session import HostSession
from .writer import Writer

MIGRATED = "The rollback of version 0.1.0 was moved to /etc/homelab/rollback.\n"


def run_module(writer: Writer) -> None:
    """Run a kind's module: apply `resources` and report `to_remove`, or, in a later run of it, `remove` names.

    It exits 0 with one result per resource; role `report` fails when one of them failed.
    """
    module = AnsibleModule(
        argument_spec={
            "resources": {"type": "list", "elements": "dict", "default": []},
            "contents": {"type": "dict", "default": {}},
            # base64 of JSON: Ansible blanks secret parameters wherever they occur in results, and short values occur often.
            "secret_values": {"type": "str", "default": "", "no_log": True},
            "absent": {"type": "list", "elements": "str", "default": []},
            "remove": {"type": "list", "elements": "str", "default": []},
            "owner": {"type": "str", "required": True},
            "run": {"type": "dict", "required": True},
            "prune": {"type": "bool", "default": False},
            "report_undeclared": {"type": "bool", "default": False},
            "changed_kinds": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    if errors := validation.errors(specification.OWNER, module.params["owner"], "homelab_owner"):
        module.fail_json(msg=printable(errors[0]))
    session = None if module.check_mode else HostSession(module.params["run"])
    try:
        results, outcome = work(writer, module.params, session)
    except lock.Locked as locked:
        module.fail_json(msg=printable(str(locked)), rejected=True)
    except Exception as error:
        # Ansible would print it as it is, and it may quote what a user wrote.
        module.fail_json(msg=printable(f"{type(error).__name__}: {error}"), exception=printable(traceback.format_exc()))
    module.exit_json(**printable(_output(writer, results, outcome, session)))


def _output(writer: Writer, results: Sequence[Result], outcome: dict[str, Any], session: HostSession | None) -> dict[str, Any]:
    migrated = session is not None and session.migrated
    shown = [f"{writer.kind} {r['name']}{_shown(r['disruption'])}: {r['diff']}\n" for r in results if r["diff"]]
    return {
        "changed": migrated or any(result["changed"] for result in results),
        "kind": writer.kind,
        "tried": [result["name"] for result in results if result["tried"]],
        "failures": [f"{writer.kind} {result['name']}: {result['msg']}" for result in results if result["failed"]],
        "diff": [{"prepared": text} for text in [*([MIGRATED] if migrated else []), *shown]],
        "locked": session is not None and session.locked,
        "armed": session is not None and session.armed,
        **outcome,
    }


def work(writer: Writer, params: dict[str, Any], session: HostSession | None) -> tuple[Sequence[Result], dict[str, Any]]:
    """Return the results and the rest of the module's output. Without a `session` nothing is changed, as in check mode."""
    owner, run = params["owner"], params["run"]
    if reason := identity.conflict(owner, run, removing=bool(params["remove"])):
        if session and not params["remove"]:
            identity.claim(owner, run)
        return rejected_all(writer, params, reason)
    if session:
        session.rollback_unconfirmed()
        if not params["remove"]:
            identity.keep(owner, run)
    if params["remove"]:
        removed = clear(writer, params["remove"], owner, session)
        if session:
            identity.forget(owner)
        return removed, {"resources": [], "removed": removed}
    writer.changed_kinds = params["changed_kinds"]
    writer.values = json.loads(base64.b64decode(params["secret_values"]) or "{}")
    resources = [writer.normalise(resource, params["contents"]) for resource in params["resources"]]
    declared = {name for resource in resources for name in writer.names_of(resource)}
    valid, invalid = split_valid(writer, resources)
    absent = [name for name in params["absent"] if name not in declared]
    undeclared = [name for name in writer.owned(owner) if name not in (*declared, *absent)] if params["report_undeclared"] else []
    writer.to_remove = [*absent, *(undeclared if params["prune"] else [])]
    results = converge(writer, valid, owner, session) + invalid
    kept = [] if params["prune"] else undeclared
    return results, {
        "resources": results,
        "removed": [],
        "to_remove": writer.to_remove,
        "undeclared": kept,
        "data_loss": [name for name in kept if loses_data(writer, name, owner)],
        "removal_blockers": {} if session else removal_blockers_of(writer, kept, owner),
    }


def rejected_all(writer: Writer, params: dict[str, Any], reason: str) -> tuple[list[Result], dict[str, Any]]:
    """Return the results of a run that must not change this machine."""
    names = [writer.name_of(writer.normalise(one, params["contents"])) for one in params["resources"]]
    results = [result_of(Observation(name, unknown=reason)) | {"failed": True, "msg": reason} for name in [*names, *params["remove"]]]
    is_removal = bool(params["remove"])
    outcome: dict[str, Any] = {"to_remove": [], "undeclared": [], "data_loss": [], "removal_blockers": {}}
    return results, {"resources": [] if is_removal else results, "removed": results if is_removal else [], **outcome}


def split_valid(writer: Writer, resources: Sequence[Resource]) -> tuple[list[Resource], list[Result]]:
    """Return the valid resources, and the results of the others, which never reach the host."""
    reasons = [(resource, "; ".join(writer.errors(resource))) for resource in resources]
    invalid = [(Observation(writer.name_of(resource)), reason) for resource, reason in reasons if reason]
    results = [result_of(seen) | {"failed": True, "msg": reason, "diff": ""} for seen, reason in invalid]
    return [resource for resource, reason in reasons if not reason], results


def _shown(disruption: str) -> str:
    return "" if disruption in ("", "live") else f" ({disruption})"
