#!/usr/bin/python
"""Ansible module: apply a list of resources of kind service-user. Its options are those of role service_user."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.service_user import ServiceUserWriter

if __name__ == "__main__":
    run_module(ServiceUserWriter())
