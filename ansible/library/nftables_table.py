#!/usr/bin/python
"""Ansible module: apply a list of resources of kind nftables-table. Its options are those of role nftables_table."""

from ansible.module_utils.homelab.apply.module import run_module
from ansible.module_utils.homelab.apply.nftables_table import NftablesTableWriter

if __name__ == "__main__":
    run_module(NftablesTableWriter())
