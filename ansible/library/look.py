#!/usr/bin/python
"""Ansible module: looks whether a host holds all that is declared, so that the kinds need not each look for themselves.

It changes nothing. `unsettled` names the kinds whose modules may have something to do or to tell; where a look fails, that
kind's own module says why. `host_keys` are those that guests were given, `hindrances` what of others is in a unit's way.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible.module_utils.homelab import seed, way_back
from ansible.module_utils.homelab.kind import Kind
from ansible.module_utils.homelab.kinds import OBSERVERS


def main() -> None:
    """Exit with `unsettled`, a list of kinds."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "dict", "required": True},
            "absent": {"type": "dict", "required": True},
            "contents": {"type": "dict", "default": {}},
            "owner": {"type": "str", "required": True},
            "run": {"type": "dict", "required": True},
            "report_undeclared": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    # What another run did not confirm is put back first, and may be of any kind.
    unconfirmed = way_back.is_unconfirmed(module.params["run"]["id"])
    unsettled = [observer.kind for observer in OBSERVERS if unconfirmed or not is_settled(observer, module.params)]
    keys = host_keys(module.params["units"]["domain"], module.params["owner"])
    warnings = {observer.kind: found for observer in OBSERVERS if (found := warnings_of(observer, module.params))}
    module.exit_json(changed=False, unsettled=unsettled, host_keys=keys, hindrances=warnings)


def host_keys(domains: list[dict[str, Any]], owner: str) -> dict[str, str]:
    """The public SSH host keys of guests that were given one, by name."""
    found = {unit["name"]: seed.host_key(unit["name"], owner) for unit in domains if "cloud_init" in unit}
    return {name: key for name, key in found.items() if key}


def warnings_of(observer: Kind, params: dict[str, Any]) -> dict[str, list[str]]:
    """What is in the way of a kind's units; where that cannot be seen, the kind's own module says why."""
    try:
        return observer.warnings([observer.normalise(unit, params["contents"]) for unit in params["units"][observer.kind]], params["owner"])
    except Exception:
        return {}


def is_settled(observer: Kind, params: dict[str, Any]) -> bool:
    """Whether a kind's units hold, nothing of it leaves, and nothing is undeclared that would be told."""
    try:
        units = [observer.normalise(unit, params["contents"]) for unit in params["units"][observer.kind]]
        if any(observer.faults(unit) for unit in units):
            return False
        if not all(seen.holds for seen in observer.look(units, params["owner"])):
            return False
        others = set(observer.owned(params["owner"])) - {name for unit in units for name in observer.names_of(unit)}
        return not others & set(params["absent"][observer.kind]) and not (others and params["report_undeclared"])
    except Exception:
        return False


if __name__ == "__main__":
    main()
