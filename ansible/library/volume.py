#!/usr/bin/python
"""Ansible module: apply a list of resources of kind volume. Its options are those of role volume."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.volume import VolumeWriter

if __name__ == "__main__":
    run_module(VolumeWriter())
