#!/usr/bin/python
"""Ansible module: detect which kinds of a host are out of sync. Its options are those of observe/detection.py."""

from ansible.module_utils.basic import AnsibleModule

from ansible.module_utils.homelab.core.printable import printable
from ansible.module_utils.homelab.observe.detection import detect

if __name__ == "__main__":
    module = AnsibleModule(
        argument_spec={
            "resources": {"type": "dict", "required": True},
            "absent": {"type": "dict", "required": True},
            "contents": {"type": "dict", "default": {}},
            "owner": {"type": "str", "required": True},
            "run": {"type": "dict", "required": True},
            "report_undeclared": {"type": "bool", "default": False},
            "prune": {"type": "str", "choices": ["none", "unconfirmed", "confirmed"], "default": "none"},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **printable(detect(module.params)))
