"""Pure parts of the kind nftables-table."""

import pytest

from ansible.module_utils.homelab.observe import nftables_table as kind

LISTING = """table inet a {
\tset seen {
\t\ttype ipv4_addr
\t\tflags dynamic,timeout
\t\telements = { 192.0.2.1 timeout 1m,
\t\t\t     192.0.2.2 timeout 1m }
\t}

\tset fixed {
\t\ttype ipv4_addr
\t\telements = { 192.0.2.9 }
\t}
}
table ip b {
\tchain c {
\t}
}
"""


def test_a_table_is_declared_deleted_and_made_anew_with_its_owner_as_comment():
    text = kind.render({"family": "inet", "name": "a", "content": "chain c {\n}\n"}, "lab")
    assert text.splitlines()[1:4] == ["table inet a", "delete table inet a", "table inet a {"]
    assert '\tcomment "homelab:lab"' in text.splitlines()
    assert text.endswith("}\n")


def test_a_listing_is_split_by_table():
    assert list(kind.split_listing(LISTING)) == ["inet/a", "ip/b"]


def test_elements_that_rules_add_are_no_part_of_a_table_but_those_of_the_user_are():
    table = kind.split_listing(LISTING)["inet/a"]
    assert "192.0.2.1" not in table
    assert "192.0.2.2" not in table
    assert "192.0.2.9" in table


def test_a_set_whose_elements_expire_is_filled_by_others():
    table = LISTING.replace("dynamic,timeout", "timeout")
    assert "192.0.2.1" not in kind.split_listing(table)["inet/a"]


@pytest.mark.parametrize(
    ("content", "leaves"),
    [
        ("chain c {\n}\n", False),
        ("}\nflush ruleset\ntable inet t {", True),
        ('chain c { log prefix "}"; } # }', False),
        ("set s { elements = { 1, 2 } }", False),
    ],
)
def test_a_content_stays_within_its_table(content, leaves):
    assert kind.leaves_its_table(content) is leaves


INPUT = {"family": "inet", "name": "a", "content": "chain c {\n type filter hook input priority 0; # hook output\n}\n"}


@pytest.mark.parametrize(
    ("chain", "count"),
    [
        ({"family": "inet", "hook": "input", "policy": "drop"}, 1),
        ({"family": "ip6", "hook": "input", "policy": "drop"}, 1),
        ({"family": "inet", "hook": "input", "policy": "accept"}, 0),
        ({"family": "inet", "hook": "input"}, 0),
        ({"family": "inet", "hook": "output", "policy": "drop"}, 0),
        ({"family": "bridge", "hook": "input", "policy": "drop"}, 0),
    ],
)
def test_a_chain_of_others_that_drops_on_the_same_hook_is_told(chain, count):
    assert len(kind.overruled(INPUT, [{"table": "theirs", "name": "c", "owned": "not managed by homelab", **chain}])) == count


def test_a_dropping_chain_is_told_with_whose_it_is_unless_it_is_our_own(monkeypatch):
    comments = {"inet/mine": kind.MARK + "lab", "inet/other": kind.MARK + "garage", "inet/theirs": None}
    chains = [{"family": "inet", "table": name.split("/")[1], "name": "c", "hook": "input", "policy": "drop"} for name in comments]
    monkeypatch.setattr(kind, "tables_on_host", lambda: comments)
    monkeypatch.setattr(kind, "base_chains", lambda: chains)
    told = kind.observer.warnings([INPUT], "lab")["inet/a"]
    assert [text.split(",")[0] for text in told] == ["table inet other is owned by 'garage'", "table inet theirs is not managed by homelab"]
