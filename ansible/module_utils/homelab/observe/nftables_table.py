"""Observes nftables tables: each unit is one table of ours, /etc/homelab/nftables/<owner>/<family>-<name>.nft.

A unit is {family, name, content}; `content` is what stands between the table's braces, in nft(8)'s own
language. The wanted text is rendered by the host's own nft in an empty network namespace, so a newer nft
that prints rules in another way is no drift.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..core import ownership, system
from ..core.observer import Observation, Observer, Resource

FOLDER = Path("/etc/homelab/nftables")
MARK = "homelab:"


class NftablesTable(Observer):
    """Reads tables, their files and their owners (a table's comment is `homelab:<owner>`)."""

    kind = "nftables-table"

    def name_of(self, resource: Resource) -> str:
        return f"{resource['family']}/{resource['name']}"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        tables = tables_on_host()
        wanted = canonical(resources, owner)
        return [self._observe(resource, owner, tables, wanted) for resource in resources]

    def _observe(self, resource: Resource, owner: str, tables: dict[str, str | None], wanted: dict[str, str]) -> Observation:
        name = self.name_of(resource)
        on_disk = system.read_text(file_of(owner, name))
        seen = Observation(name, present=name in tables or on_disk is not None)
        seen.owner = _owner(tables.get(name))
        if name not in tables and on_disk is not None:
            seen.differences.append(f"table {name.replace('/', ' ')} is not loaded")
        elif name in tables:
            live = without_dynamic_elements(list_table(name))
            if name not in wanted or live != wanted[name]:
                seen.differences.append(
                    system.text_diff(f"table {name.replace('/', ' ')}", live, wanted.get(name, render(resource, owner)))
                )
        if on_disk != render(resource, owner):
            seen.differences.append(system.text_diff(str(file_of(owner, name)), on_disk, render(resource, owner)))
        seen.differences = [text for text in seen.differences if text]
        return seen

    def warnings(self, resources: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        tables = tables_on_host()
        owners = [(chain, _owner(tables.get(f"{chain['family']}/{chain['table']}"))) for chain in base_chains()]
        foreign = [{**chain, "owned": f"owned by '{of}'" if of else "not managed by homelab"} for chain, of in owners if of != owner]
        return {self.name_of(resource): found for resource in resources if (found := overruled(resource, foreign))}

    def found(self) -> dict[str, str | None]:
        return {name: _owner(comment) for name, comment in tables_on_host().items()}


def file_of(owner: str, name: str) -> Path:
    """Where a table's rules are kept for the next boot."""
    return FOLDER / owner / f"{name.replace('/', '-', 1)}.nft"


def render(resource: Resource, owner: str) -> str:
    """Return the file of a table: declare, delete, declare again, which nft applies as one transaction."""
    table = f"table {resource['family']} {resource['name']}"
    mark = ownership.line(owner, "nftables-table", f"{resource['family']}/{resource['name']}")
    body = "".join(f"\t{line}\n" if line.strip() else "\n" for line in resource["content"].replace("\r\n", "\n").strip("\n").split("\n"))
    return f'{mark}\n{table}\ndelete {table}\n{table} {{\n\tcomment "{MARK}{owner}"\n{body}}}\n'


def canonical(resources: Sequence[Resource], owner: str) -> dict[str, str]:
    """Return the tables as the host's nft lists them, by name; a table that nft rejects is left out."""
    if not resources or not system.installed("nft"):
        return {}
    done = load_in_empty_namespace("".join(render(resource, owner) for resource in resources))
    if done.returncode == 0:
        return split_listing(done.stdout)
    if len(resources) == 1:
        return {}
    return {name: text for resource in resources for name, text in canonical([resource], owner).items()}


def load_in_empty_namespace(rules: str):  # type: ignore[no-untyped-def]
    """Load rules where they affect nothing (unshare(1)) and list the result."""
    devices = sorted(set(re.findall(r'"?([\w.-]+)"?', " ".join(re.findall(r"\bdevices?\s*=?\s*\{?([^;}]*)", rules)))))
    devices += sorted({*os.listdir("/sys/class/net"), *re.findall(r'\b[io]if\s+"?([\w.-]+)"?', rules)} - {"lo", *devices})
    script = 'for d in "$@"; do ip link add "$d" type dummy 2>/dev/null; done; nft -f - && nft -s list ruleset'
    return system.run(["unshare", "-n", "sh", "-c", script, "sh", *devices], stdin=rules, check=False)


def split_listing(listing: str) -> dict[str, str]:
    """A ruleset's listing as one text per table, by `family/name`, without dynamic sets' elements."""
    tables = re.findall(r"^table (\w+) (\S+) \{.*?^\}$", listing, re.MULTILINE | re.DOTALL)
    texts = re.findall(r"^table \w+ \S+ \{.*?^\}$", listing, re.MULTILINE | re.DOTALL)
    return {f"{family}/{name}": without_dynamic_elements(text) for (family, name), text in zip(tables, texts, strict=True)}


def without_dynamic_elements(table: str) -> str:
    """A table's listing without the elements of sets and maps that rules or other programs fill, and that expire."""

    def shorten(block: re.Match[str]) -> str:
        if not re.search(r"^\t\tflags [\w,]*\b(?:dynamic|timeout)\b", block.group(0), re.MULTILINE):
            return block.group(0)
        return re.sub(r"^\t\telements = \{.*?\}\n", "", block.group(0), flags=re.MULTILINE | re.DOTALL)

    return re.sub(r"^\t(?:set|map) \S+ \{\n.*?^\t\}\n", shorten, table.strip(), flags=re.MULTILINE | re.DOTALL)


def leaves_its_table(content: str) -> bool:
    """Return whether a content closes the brace of its table and continues outside; strings and comments do not count."""
    depth = 0
    for mark in re.findall(r'"[^"]*"|#[^\n]*|[{}]', content):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            return True
    return False


def tables_on_host() -> dict[str, str | None]:
    """All tables by `family/name`, with their comments. A host without nft has none."""
    if not system.installed("nft"):
        return {}
    listing = json.loads(system.run(["nft", "-j", "list", "tables"]).stdout)
    tables = [entry["table"] for entry in listing["nftables"] if "table" in entry]
    return {f"{table['family']}/{table['name']}": table.get("comment") for table in tables}


def base_chains() -> list[dict[str, str]]:
    """The chains that hang on a hook, as {family, table, name, hook, policy}."""
    if not system.installed("nft"):
        return []
    listing = json.loads(system.run(["nft", "-j", "list", "chains"]).stdout)
    return [entry["chain"] for entry in listing["nftables"] if "hook" in entry.get("chain", {})]


def overruled(resource: Resource, foreign: Sequence[dict[str, str]]) -> list[str]:
    """Return which chains of others drop what this table accepts: every chain of a hook decides (nft(8), verdict statement)."""
    hooks = set(re.findall(r"\bhook (\w+)", re.sub(r'"[^"]*"|#[^\n]*', "", resource["content"])))
    return [
        f"table {chain['family']} {chain['table']} is {chain['owned']}, and its chain {chain['name']} drops by its policy "
        f"what it does not accept itself on hook {chain['hook']}, whatever this table accepts"
        for chain in foreign
        if chain["hook"] in hooks and chain.get("policy") == "drop" and _meets(resource["family"], chain["family"])
    ]


def _meets(family: str, other: str) -> bool:
    """Whether two families see the same packets; inet sees those of ip and ip6."""
    return family == other or {family, other} in ({"inet", "ip"}, {"inet", "ip6"})


def list_table(name: str) -> str:
    """Return a table as the kernel lists it, without counters and timeouts."""
    family, table = name.split("/", 1)
    return system.run(["nft", "-s", "list", "table", family, table]).stdout


def _owner(comment: str | None) -> str | None:
    return comment.removeprefix(MARK) if comment and comment.startswith(MARK) else None


observer = NftablesTable()
