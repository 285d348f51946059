#!/usr/bin/python
"""Ansible module: apply a list of resources of kind bridge. Its options are those of role bridge."""

from ansible.module_utils.homelab.apply.bridge import BridgeWriter
from ansible.module_utils.homelab.apply.module import run_module

if __name__ == "__main__":
    run_module(BridgeWriter())
