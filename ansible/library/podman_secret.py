#!/usr/bin/python
"""Ansible module: apply a list of resources of kind podman-secret. Its options are those of role podman_secret."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.podman_secret import PodmanSecretWriter

if __name__ == "__main__":
    run_module(PodmanSecretWriter())
