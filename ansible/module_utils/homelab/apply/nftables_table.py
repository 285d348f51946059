"""Applies nftables tables."""

from __future__ import annotations

from collections.abc import Sequence
from subprocess import CompletedProcess

from ..core import system
from ..core.observer import Resource
from ..observe.nftables_table import FOLDER, NftablesTable, file_of, leaves_its_table, load_in_empty_namespace, render, split_listing
from .writer import Change, Errors, Writer


class NftablesTableWriter(NftablesTable, Writer):
    """Writes tables: each in one transaction of its own, then its file for the next boot."""

    may_disconnect = True

    def __init__(self) -> None:
        self.tried: dict[str, CompletedProcess[str]] = {}

    def tables_of(self, names: Sequence[str]) -> Sequence[str]:
        return names

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        if not system.installed("nft"):
            return {self.name_of(resource): "nft is not installed yet; `homelab_host` brings it" for resource in resources}
        to_change = [
            resource for resource in resources if self.name_of(resource) in self.to_change and not leaves_its_table(resource["content"])
        ]
        self.tried = {self.name_of(resource): load_in_empty_namespace(render(resource, owner)) for resource in to_change}
        # Such as a user that a rule names.
        return {name: refusal(done.stderr) for name, done in self.tried.items() if "does not exist" in done.stderr}

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        to_change = [resource for resource in resources if self.name_of(resource) in self.to_change]
        return {self.name_of(resource): reason for resource in to_change if (reason := self._refuse(resource, owner))}

    def _refuse(self, resource: Resource, owner: str) -> str:
        name = self.name_of(resource)
        if name not in self.tried:
            return "its content closes the table's brace and continues; a resource is the content of one table"
        tried = self.tried[name]
        if tried.returncode != 0:
            return refusal(tried.stderr)
        others = sorted(set(split_listing(tried.stdout)) - {name})
        if others:
            return f"its content also makes {', '.join(others)}; a unit is one table, so balance its braces"
        checked = system.run(["nft", "-c", "-f", "-"], stdin=render(resource, owner), check=False)
        return f"this host rejects it:\n{checked.stderr.strip()}" if checked.returncode != 0 else ""

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors = {}
        for change in changes:
            name, rules = self.name_of(change.resource), render(change.resource, owner)
            try:
                system.run(["nft", "-f", "-"], stdin=rules)
                system.make_folder(file_of(owner, name).parent)
                system.write_text(file_of(owner, name), rules)
                for other in set(FOLDER.glob(f"*/{file_of(owner, name).name}")) - {file_of(owner, name)}:
                    # The table was adopted from another owner, whose rules would come back at the next boot.
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


def refusal(output: str) -> str:
    """Return nft's complaint about a table."""
    return f"nft rejects it:\n{output.strip()}"
