#!/usr/bin/python
"""Ansible module: apply a list of resources of kind quadlet-unit. Its options are those of role quadlet_unit."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.quadlet.writer import QuadletUnitWriter

if __name__ == "__main__":
    run_module(QuadletUnitWriter())
