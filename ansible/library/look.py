#!/usr/bin/python
"""Ansible module: looks whether a host holds all that is declared, so that the kinds need not each look for themselves.

It changes nothing. `unsettled` names the kinds whose modules may have something to do or to tell; where a look fails, that
kind's own module says why.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible.module_utils.homelab import bridge, host, nftables_table, podman_secret, quadlet_unit, service_user, vlan, way_back
from ansible.module_utils.homelab.kind import Kind

OBSERVERS: list[Kind] = [module.observer for module in (host, service_user, nftables_table, bridge, vlan, podman_secret, quadlet_unit)]


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
    module.exit_json(changed=False, unsettled=unsettled)


def is_settled(observer: Kind, params: dict[str, Any]) -> bool:
    """Whether a kind's units hold, nothing of it leaves, and nothing is undeclared that would be told."""
    try:
        units = [observer.normalise(unit, params["contents"]) for unit in params["units"][observer.kind]]
        if any(observer.faults(unit) for unit in units):
            return False
        if not all(seen.holds for seen in observer.look(units, params["owner"])):
            return False
        others = set(observer.owned(params["owner"])) - {observer.name_of(unit) for unit in units}
        return not others & set(params["absent"][observer.kind]) and not (others and params["report_undeclared"])
    except Exception:
        return False


if __name__ == "__main__":
    main()
