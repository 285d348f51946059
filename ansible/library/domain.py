#!/usr/bin/python
"""Ansible module: apply a list of resources of kind domain. Its options are those of role domain."""

from ansible.module_utils.homelab.apply.domain.writer import DomainWriter
from ansible.module_utils.homelab.apply.module import run_module

if __name__ == "__main__":
    run_module(DomainWriter())
