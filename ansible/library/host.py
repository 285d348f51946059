#!/usr/bin/python
"""Ansible module: apply a list of resources of kind host. Its options are those of role host."""

from ansible.module_utils.homelab.apply.host import HostWriter
from ansible.module_utils.homelab.apply.module import run_module

if __name__ == "__main__":
    run_module(HostWriter())
