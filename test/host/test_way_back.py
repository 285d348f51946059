"""The way back: which files, rules and links it puts back. The host's commands are stood in for."""

import json

import pytest
from homelab import host, way_back

MARK = "# homelab: owner=lab kind=bridge name=br0\n"


@pytest.fixture
def etc(monkeypatch, tmp_path):
    monkeypatch.setattr(way_back, "MARKED", [f"{tmp_path}/network/*"])
    monkeypatch.setattr(way_back, "RECORDS", [f"{tmp_path}/records/*.json"])
    monkeypatch.setattr(way_back, "SCRATCH", [f"{tmp_path}/network/"])
    for folder in ("network", "records"):
        (tmp_path / folder).mkdir()
    return tmp_path


def test_files_of_ours_are_as_before_and_others_are_not_touched(etc):
    kept, changed, new, removed = (etc / "network" / name for name in ("kept", "changed", "new", "removed"))
    foreign, record = etc / "network" / "foreign", etc / "records" / "br0.json"
    for path in (kept, changed, removed):
        path.write_text(MARK + "before")
    record.write_text("before")
    foreign.write_text("before")
    files = {path: way_back._content(path) for path in way_back._files()}
    changed.write_text(MARK + "after")
    new.write_text(MARK + "after")
    removed.unlink()
    foreign.write_text("after")
    record.write_text("after")
    inode = kept.stat().st_ino
    assert way_back._put_files_back(files) == sorted(map(str, [changed, new, removed, record]))
    assert [path.read_text() for path in (kept, changed, removed)] == [MARK + "before"] * 3
    assert (record.read_text(), foreign.read_text(), new.exists()) == ("before", "after", False)
    assert kept.stat().st_ino == inode


def test_what_a_writer_that_was_cut_off_left_is_gone(etc):
    (etc / "network" / ".homelab-abc").write_text("half")
    (etc / "network" / ".theirs").write_text("whole")
    assert way_back._put_files_back({}) == []
    assert [path.name for path in (etc / "network").iterdir()] == [".theirs"]


def test_only_tables_that_changed_are_made_again(monkeypatch):
    live = {"inet/a": "table inet a { new }", "inet/b": "table inet b { same }", "inet/c": "table inet c { new }"}
    monkeypatch.setattr(way_back, "_our_tables", lambda: list(live))
    monkeypatch.setattr(way_back, "_listings", lambda names: {name: [live.get(name, ""), ""] for name in names})
    was = {
        "inet/a": ["table inet a { old }", "old with counters\n"],
        "inet/b": ["table inet b { same }", "same\n"],
        "ip/d": ["d", "gone\n"],
    }
    assert way_back._rules_back({"tables": was}) == {
        "inet/a": "table inet a\ndelete table inet a\nold with counters\n",
        "inet/c": "table inet c\ndelete table inet c\n",
        "ip/d": "table ip d\ndelete table ip d\ngone\n",
    }


def test_one_table_that_cannot_be_loaded_does_not_keep_the_others_back(monkeypatch):
    live = {"inet/a": "new", "netdev/b": "new"}
    monkeypatch.setattr(way_back, "_our_tables", lambda: list(live))
    monkeypatch.setattr(way_back, "_listings", lambda names: {name: [live[name], live[name]] for name in names})

    def nft(*_argv, stdin=""):
        # As a transaction: its link is not there yet.
        if "netdev b" not in stdin:
            live.update({name: "old" for name in live if name.replace("/", " ") in stdin})

    monkeypatch.setattr(way_back, "run", nft)
    assert way_back._put_rules_back({"tables": {name: ["old", "old"] for name in live}}) == list(live)
    assert live == {"inet/a": "old", "netdev/b": "new"}


def test_a_table_that_is_there_and_not_listed_is_no_new_one(monkeypatch):
    monkeypatch.setattr(
        way_back, "run", lambda *argv, must=False: '{"nftables": [{"table": {"family": "ip", "name": "t"}}]}' if "-j" in argv else ""
    )
    assert way_back._kept(["ip/new"]) == {"ip/new": ["", ""]}
    with pytest.raises(OSError, match="nft does not list ip/t"):
        way_back._kept(["ip/t", "ip/new"])


def test_what_must_answer_says_why_it_does_not():
    with pytest.raises(OSError, match="ls /nowhere: "):
        way_back.run("ls", "/nowhere", must=True)
    assert way_back.run("ls", "/nowhere") == ""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(way_back, "FOLDER", str(tmp_path))
    for name in ("SNAPSHOT", "OUTCOME"):
        monkeypatch.setattr(way_back, name, str(tmp_path / name))
    return tmp_path


def test_another_runs_change_is_unconfirmed_until_it_is_confirmed(folder):
    assert way_back.is_unconfirmed("mine") is False
    way_back._write(way_back.SNAPSHOT, {"run": "another"})
    assert (way_back.is_unconfirmed("mine"), way_back.is_unconfirmed("another")) == (True, False)


def test_a_run_whose_change_was_put_back_between_its_kinds_does_not_go_on(folder):
    way_back._write(way_back.OUTCOME, {"run": "mine", "at": "12:00:00 UTC", "did": ["table inet a"], "left": []})
    assert way_back.arm("mine", 60) == "the host put itself back at 12:00:00 UTC: table inet a; run it again"
    assert not (folder / "SNAPSHOT").exists()


def test_what_was_put_back_is_told_to_its_own_run_only(monkeypatch, tmp_path):
    monkeypatch.setattr(way_back, "OUTCOME", str(tmp_path / "outcome.json"))
    outcome = {"run": "mine", "at": "12:00:00 UTC", "did": ["table inet a", "link br0"], "left": ["link br1"]}
    (tmp_path / "outcome.json").write_text(json.dumps(outcome))
    assert way_back.told("mine") == "the host put itself back at 12:00:00 UTC: table inet a, link br0; it could not put back link br1"
    assert way_back.told("another") == ""


def test_the_base_installs_the_way_back_as_it_is():
    text = host.files_of({"forwarding": False}, "lab")[host.Path(way_back.PROGRAM)]
    assert text.split("\n", 1)[1] == (host.Path(way_back.__file__)).read_text()
    compile(text, "way-back", "exec")
