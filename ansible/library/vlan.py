#!/usr/bin/python
"""Ansible module: apply a list of resources of kind vlan. Its options are those of role vlan."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.vlan import VlanWriter

if __name__ == "__main__":
    run_module(VlanWriter())
