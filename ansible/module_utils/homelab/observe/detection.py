"""Detects which kinds of a host are out of sync, so that a run only starts the modules that have something to do. It changes nothing."""

from __future__ import annotations

import contextlib
from typing import Any

from ..core import identity
from ..core.observer import Observer, Resource
from ..core.rollback import program
from ..core.specification import KINDS
from ..core.validation import with_present_keys
from .kinds import OBSERVERS

# A host of which so few resources go is looked through at once.
LEAST = 4


def detect(params: dict[str, Any]) -> dict[str, Any]:
    """Return `out_of_sync`, a list of kinds; `resource_warnings` and `facts` by kind; and `renamed`, one text per former key.

    `params` holds `resources` and `absent` by kind, `contents`, `owner`, `run` and `report_undeclared`. A kind that cannot be
    read is out of sync; its own module reports why.
    """
    # An unconfirmed change of another run is rolled back first, and may be of any kind. Another host is none of this run's.
    unconfirmed = program.is_unconfirmed(params["run"]["id"]) or bool(identity.conflict(params["owner"], params["run"]))
    whole = {**params, "resources": _declared(params)}
    return {
        "out_of_sync": [one.kind for one in OBSERVERS if unconfirmed or not is_in_sync(one, whole)],
        # Ansible keeps `warnings` for its own.
        "resource_warnings": _warnings(whole),
        "facts": _facts(whole),
        "renamed": renamed_in(params["resources"]),
        "mass_removal": mass_removal(whole) if params.get("prune") == "unconfirmed" else "",
    }


def mass_removal(params: dict[str, Any]) -> str:
    """Return why a run must not remove what is not declared: it would be more than half of an owner's resources, else ''.

    An inventory that was cut short looks just like that.
    """
    owned = {(one.kind, name) for one in OBSERVERS for name in one.owned(params["owner"])}
    declared = {(one.kind, name) for one, resources in _kinds(params) for resource in resources for name in one.names_of(resource)}
    count = len(owned - declared)
    if count < LEAST or 2 * count <= len(owned):
        return ""
    return (
        f"This run would remove {count} of the {len(owned)} resources that owner '{params['owner']}' has on this host. Is the inventory "
        "whole? If they are to go, run again with `homelab_prune: confirm`. Nothing was changed"
    )


def is_in_sync(observer: Observer, params: dict[str, Any]) -> bool:
    """Return whether a kind's resources are in sync, none is to remove, and none is undeclared that would be reported."""
    try:
        resources = params["resources"][observer.kind]
        if any(observer.errors(resource) for resource in resources):
            return False
        if not all(seen.in_sync for seen in observer.detect(resources, params["owner"])):
            return False
        others = set(observer.owned(params["owner"])) - {name for resource in resources for name in observer.names_of(resource)}
        return not others & set(params["absent"].get(observer.kind, [])) and not (others and params["report_undeclared"])
    except Exception:
        return False


def renamed_in(resources: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return which former keys the resources use. Pulumi has reported them already, with their places."""
    found = [
        f"{KINDS[observer.kind]['list']}: {text}"
        for observer in OBSERVERS
        for resource in resources.get(observer.kind, [])
        for text in with_present_keys(observer.renamed, resource)[1]
    ]
    return list(dict.fromkeys(found))


def _warnings(params: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return the warnings about resources by kind and name. Where they cannot be read, that is one about the kind's first resource."""
    found = {}
    for observer, resources in _kinds(params):
        try:
            found[observer.kind] = observer.warnings(resources, params["owner"])
        except Exception as error:
            found[observer.kind] = {observer.name_of(resources[0]): [f"warnings cannot be read: {type(error).__name__}: {error}"]}
    return {kind: what for kind, what in found.items() if what}


def _facts(params: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of kinds that have any; where they cannot be read, the kind's module reports why."""
    found = {}
    for observer, resources in _kinds(params):
        with contextlib.suppress(Exception):
            found[observer.kind] = observer.extra_facts(resources, params["owner"])
    return {kind: what for kind, what in found.items() if what}


def _kinds(params: dict[str, Any]) -> list[tuple[Observer, list[Resource]]]:
    """Return the observers of the kinds that are declared, with the resources."""
    return [(one, params["resources"][one.kind]) for one in OBSERVERS if params["resources"].get(one.kind)]


def _declared(params: dict[str, Any]) -> dict[str, list[Resource]]:
    """Return the resources with their defaults by kind, without the kinds of which one cannot be read."""
    declared: dict[str, list[Resource]] = {}
    for observer in OBSERVERS:
        with contextlib.suppress(Exception):
            resources = params["resources"].get(observer.kind, [])
            declared[observer.kind] = [observer.normalise(resource, params["contents"]) for resource in resources]
    return declared
