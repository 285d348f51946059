#!/usr/bin/python
"""Ansible module: apply a list of resources of kind image. Its options are those of role image."""

from ansible.module_utils.homelab.apply.image import ImageWriter
from ansible.module_utils.homelab.apply.module import run_module

if __name__ == "__main__":
    run_module(ImageWriter())
