"""What is announced of a table is what is done to it: one transaction of its own. nft(8) is mocked."""

import json
import re

import pytest
from machine_mock import OWNER, agree, agree_to_remove, refused, settled, writer_of

from ansible.module_utils.homelab.observe import nftables_table

ACCEPTS = "chain c {\n\taccept\n}\n"
UNIT = {"family": "inet", "name": "guard", "content": ACCEPTS}


class Nft:
    """A mock of nft(8): the tables that are loaded, by name, and the transactions that made them so."""

    def __init__(self):
        self.loaded, self.transactions = {}, []

    def tables(self, rules):
        """The tables of a file; those that are only deleted are empty texts."""
        names = re.findall(r"^delete table (\w+) (\w+)$", rules, re.MULTILINE)
        blocks = {block[1]: block[0] for block in re.finditer(r"^table (\w+ \w+) \{.*?^\}$", rules, re.MULTILINE | re.DOTALL)}
        return {f"{family}/{name}": blocks.get(f"{family} {name}", "") for family, name in names}

    def __call__(self, argv, stdin):
        if argv[1:] == ["-j", "list", "tables"]:
            comments = {name: re.search(r'comment "(.*)"', text) for name, text in self.loaded.items()}
            keys = ("family", "name")
            tables = [{**dict(zip(keys, n.split("/"), strict=True)), **({"comment": c[1]} if c else {})} for n, c in comments.items()]
            return json.dumps({"nftables": [{"table": one} for one in tables]})
        if "list" in argv:
            return self.loaded["/".join(argv[-2:])]
        if "-c" not in argv:
            self.transactions.append(self.tables(stdin))
            self.loaded = {name: text for name, text in {**self.loaded, **self.transactions[-1]}.items() if text}
        return ""


@pytest.fixture
def nft(monkeypatch, machine, tmp_path):
    """A host with our table, and one of somebody else."""
    mocked = Nft()
    monkeypatch.setattr(nftables_table, "FOLDER", tmp_path)
    machine.programs["nft"] = mocked
    # In an empty namespace (unshare(1)) rules are listed as they were given.
    machine.programs["unshare"] = lambda _argv, stdin: "\n".join(mocked.tables(stdin).values())
    resource = settled("nftables_table", UNIT)
    path = nftables_table.file_of(OWNER, "inet/guard")
    path.parent.mkdir()
    path.write_text(nftables_table.render(resource, OWNER))
    mocked.loaded = {**mocked.tables(path.read_text()), "ip/theirs": "table ip theirs {\n}"}
    mocked.writer, mocked.path = writer_of("nftables_table"), path
    return mocked


def altered(nft, change):
    """The table's unit after a change of it, or of the host."""
    if change == "its file is lost":
        nft.path.unlink()
    elif change == "it is not loaded":
        del nft.loaded["inet/guard"]
    return {**UNIT, **(change if isinstance(change, dict) else {})}


THEIRS = {"family": "ip", "name": "theirs"}


@pytest.mark.parametrize(
    "change",
    [
        {"content": "chain c {\n\tdrop\n}\n"},
        {"name": "another"},
        {"family": "ip6"},
        {**THEIRS, "adopt": True},
        "its file is lost",
        "it is not loaded",
    ],
)
def test_a_table_is_loaded_live_and_no_other_is_touched(nft, change):
    resource = altered(nft, change)
    name = f"{resource['family']}/{resource['name']}"
    before = dict(nft.loaded)
    agree(nft.writer, resource, "live")
    # One transaction is all or nothing, so that no packet meets half a table.
    assert [list(one) for one in nft.transactions] == [[name]]
    assert nft.loaded == {**before, **nft.tables(nftables_table.render(resource, OWNER))}
    assert nftables_table.file_of(OWNER, name).read_text() == nftables_table.render(resource, OWNER)


def test_a_table_that_is_nobodys_is_refused_and_stays(nft):
    before = dict(nft.loaded)
    assert "Set `adopt: true`" in refused(nft.writer, {**UNIT, **THEIRS})
    assert (nft.transactions, nft.loaded) == ([], before)


def test_what_would_be_more_than_its_table_is_refused_and_not_loaded(nft):
    before = dict(nft.loaded)
    assert "closes the table's brace" in refused(nft.writer, {**UNIT, "content": "}\nflush ruleset\ntable inet t {"})
    assert (nft.transactions, nft.loaded) == ([], before)


def test_a_removed_table_goes_alone(nft):
    agree_to_remove(nft.writer, "inet/guard", "")
    assert nft.transactions == [{"inet/guard": ""}]
    assert (list(nft.loaded), nft.path.exists()) == (["ip/theirs"], False)
