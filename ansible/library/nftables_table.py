#!/usr/bin/python
"""Ansible module: applies a list of nftables tables. Its options are those of role nftables_table."""

from __future__ import annotations

from collections.abc import Sequence

from ansible.module_utils.homelab import system
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.nftables_table import (
    NftablesTable,
    file_of,
    load_in_empty_namespace,
    render,
    split_listing,
)


class NftablesTableWriter(NftablesTable, Writer):
    """Writes tables: each in one transaction of its own, then its file for the next boot."""

    def lacks(self, units: Sequence, owner: str) -> Errors:
        if system.installed("nft"):
            return {}
        return {self.name_of(unit): "nft is not installed; declare `homelab_host` for this host" for unit in units}

    def refuse(self, units: Sequence, owner: str) -> Errors:
        return {name: reason for unit in units for name, reason in self._refuse(unit, owner).items()}

    def _refuse(self, unit: dict, owner: str) -> Errors:
        name = self.name_of(unit)
        tried = load_in_empty_namespace(render(unit, owner))
        if tried.returncode != 0:
            return {name: f"nft refuses it:\n{tried.stderr.strip()}"}
        others = sorted(set(split_listing(tried.stdout)) - {name})
        if others:
            return {name: f"its content also makes {', '.join(others)}; a unit is one table, so balance its braces"}
        checked = system.run(["nft", "-c", "-f", "-"], stdin=render(unit, owner), check=False)
        return {name: f"this host refuses it:\n{checked.stderr.strip()}"} if checked.returncode != 0 else {}

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors = {}
        for change in changes:
            name, rules = self.name_of(change.unit), render(change.unit, owner)
            try:
                system.run(["nft", "-f", "-"], stdin=rules)
                system.make_folder(file_of(owner, name).parent)
                system.write_text(file_of(owner, name), rules)
            except (system.CommandError, OSError) as error:
                errors[name] = str(error)
        return errors

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        errors = {}
        for name in names:
            family, table = name.split("/", 1)
            try:
                if system.installed("nft"):
                    system.run(["nft", "-f", "-"], stdin=f"table {family} {table}\ndelete table {family} {table}\n")
                system.remove_file(file_of(owner, name), empty_parents_below="/etc")
            except (system.CommandError, OSError) as error:
                errors[name] = str(error)
        return errors


if __name__ == "__main__":
    run_module(NftablesTableWriter())
