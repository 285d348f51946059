#!/usr/bin/python
"""Ansible module: write to the host's journal who changed what. Its options are those of apply/history.py."""

from ansible.module_utils.basic import AnsibleModule

from ansible.module_utils.homelab.apply.history import write
from ansible.module_utils.homelab.core.printable import printable
from ansible.module_utils.homelab.core.system import CommandError

if __name__ == "__main__":
    module = AnsibleModule(
        argument_spec={
            "results": {"type": "list", "elements": "dict", "required": True},
            "outcome": {"type": "str", "required": True, "choices": ["ok", "failed", "rolled back"]},
            "host": {"type": "str", "required": True},
            "owner": {"type": "str", "required": True},
            "run": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        if not module.check_mode:
            write(module.params)
    except CommandError as error:
        # What was applied stays applied.
        module.warn(printable(f"The history of this host has no line about this run: {error}"))
    module.exit_json(changed=False)
