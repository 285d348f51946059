#!/usr/bin/python
"""Ansible module: apply a list of resources of kind pool. Its options are those of role pool."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.pool import PoolWriter

if __name__ == "__main__":
    run_module(PoolWriter())
