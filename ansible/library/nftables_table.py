#!/usr/bin/python
"""Ansible module: applies a list of nftables tables. Its options are those of role nftables_table."""

from __future__ import annotations

from collections.abc import Sequence
from subprocess import CompletedProcess

from ansible.module_utils.homelab import system
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.nftables_table import (
    FOLDER,
    NftablesTable,
    file_of,
    leaves_its_table,
    load_in_empty_namespace,
    render,
    split_listing,
)


class NftablesTableWriter(NftablesTable, Writer):
    """Writes tables: each in one transaction of its own, then its file for the next boot."""

    cuts_off = True

    def __init__(self) -> None:
        self.tried: dict[str, CompletedProcess[str]] = {}

    def tables_of(self, names: Sequence[str]) -> Sequence[str]:
        return names

    def lacks(self, units: Sequence, owner: str) -> Errors:
        if not system.installed("nft"):
            return {self.name_of(unit): "nft is not installed yet; `homelab_host` brings it" for unit in units}
        changing = [unit for unit in units if self.name_of(unit) in self.changing and not leaves_its_table(unit["content"])]
        self.tried = {self.name_of(unit): load_in_empty_namespace(render(unit, owner)) for unit in changing}
        # Such as a user that a rule names.
        return {name: refusal(done.stderr) for name, done in self.tried.items() if "does not exist" in done.stderr}

    def refuse(self, units: Sequence, owner: str) -> Errors:
        changing = [unit for unit in units if self.name_of(unit) in self.changing]
        return {self.name_of(unit): reason for unit in changing if (reason := self._refuse(unit, owner))}

    def _refuse(self, unit: dict, owner: str) -> str:
        name = self.name_of(unit)
        if name not in self.tried:
            return "its content closes the table's brace and goes on; a unit is what stands in one table"
        tried = self.tried[name]
        if tried.returncode != 0:
            return refusal(tried.stderr)
        others = sorted(set(split_listing(tried.stdout)) - {name})
        if others:
            return f"its content also makes {', '.join(others)}; a unit is one table, so balance its braces"
        checked = system.run(["nft", "-c", "-f", "-"], stdin=render(unit, owner), check=False)
        return f"this host refuses it:\n{checked.stderr.strip()}" if checked.returncode != 0 else ""

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors = {}
        for change in changes:
            name, rules = self.name_of(change.unit), render(change.unit, owner)
            try:
                system.run(["nft", "-f", "-"], stdin=rules)
                system.make_folder(file_of(owner, name).parent)
                system.write_text(file_of(owner, name), rules)
                for other in set(FOLDER.glob(f"*/{file_of(owner, name).name}")) - {file_of(owner, name)}:
                    # It was adopted from another owner, whose rules would come back at the next boot.
                    system.remove_file(other, empty_parents_below="/etc")
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


def refusal(said: str) -> str:
    """What nft says of a unit that it does not take."""
    return f"nft refuses it:\n{said.strip()}"


if __name__ == "__main__":
    run_module(NftablesTableWriter())
