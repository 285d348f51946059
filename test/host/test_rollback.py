"""The rollback: which files, rules and links it restores. The commands of the host are mocked."""

import json
import subprocess
import sys

import pytest
import writers

from ansible.module_utils.homelab.core.rollback import program, restore, state, store
from ansible.module_utils.homelab.observe import base_files as host

MARK = "# homelab: owner=lab kind=bridge name=br0\n"


@pytest.fixture
def etc(monkeypatch, tmp_path):
    monkeypatch.setattr(state, "MARKED", [f"{tmp_path}/network/*"])
    monkeypatch.setattr(state, "RECORDS", f"{tmp_path}/{{kind}}/*.json")
    monkeypatch.setattr(restore, "SCRATCH", [f"{tmp_path}/network/"])
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
    files = {path: store.content(path) for path in state.files(["records"])}
    changed.write_text(MARK + "after")
    new.write_text(MARK + "after")
    removed.unlink()
    foreign.write_text("after")
    record.write_text("after")
    inode = kept.stat().st_ino
    steps = restore.Steps()
    assert restore.restore_files(files, ["records"], steps) == []
    assert (sorted(steps.did), steps.left) == (sorted(map(str, [changed, new, removed, record])), [])
    assert [path.read_text() for path in (kept, changed, removed)] == [MARK + "before"] * 3
    assert (record.read_text(), foreign.read_text(), new.exists()) == ("before", "after", False)
    assert kept.stat().st_ino == inode


def test_what_a_writer_that_was_cut_off_left_is_gone(etc):
    (etc / "network" / ".homelab-abc").write_text("half")
    (etc / "network" / ".theirs").write_text("whole")
    assert restore.restore_files({}, [], restore.Steps()) == []
    assert [path.name for path in (etc / "network").iterdir()] == [".theirs"]


def test_only_tables_that_changed_are_made_again(monkeypatch):
    live = {"inet/a": "table inet a { new }", "inet/b": "table inet b { same }", "inet/c": "table inet c { new }"}
    monkeypatch.setattr(state, "our_tables", lambda: list(live))
    monkeypatch.setattr(state, "listings", lambda names: {name: [live.get(name, ""), ""] for name in names})
    was = {
        "inet/a": ["table inet a { old }", "old with counters\n"],
        "inet/b": ["table inet b { same }", "same\n"],
        "ip/d": ["d", "gone\n"],
    }
    assert restore.rules_text({"tables": was}) == {
        "inet/a": "table inet a\ndelete table inet a\nold with counters\n",
        "inet/c": "table inet c\ndelete table inet c\n",
        "ip/d": "table ip d\ndelete table ip d\ngone\n",
    }


def test_one_table_that_cannot_be_loaded_does_not_keep_the_others_back(monkeypatch):
    live = {"inet/a": "new", "netdev/b": "new"}
    monkeypatch.setattr(state, "our_tables", lambda: list(live))
    monkeypatch.setattr(state, "listings", lambda names: {name: [live[name], live[name]] for name in names})

    def nft(*_argv, stdin=""):
        # As a transaction: its link is not there yet.
        if "netdev b" not in stdin:
            live.update({name: "old" for name in live if name.replace("/", " ") in stdin})

    monkeypatch.setattr(store, "run", nft)
    assert restore.restore_rules({"tables": {name: ["old", "old"] for name in live}}) == list(live)
    assert live == {"inet/a": "old", "netdev/b": "new"}


def test_a_table_that_is_there_and_not_listed_is_no_new_one(monkeypatch):
    monkeypatch.setattr(
        store, "run", lambda *argv, must=False: '{"nftables": [{"table": {"family": "ip", "name": "t"}}]}' if "-j" in argv else ""
    )
    assert state.tables(["ip/new"]) == {"ip/new": ["", ""]}
    with pytest.raises(OSError, match="nft does not list ip/t"):
        state.tables(["ip/t", "ip/new"])


def test_what_must_answer_says_why_it_does_not():
    with pytest.raises(OSError, match="ls /nowhere: "):
        store.run("ls", "/nowhere", must=True)
    assert store.run("ls", "/nowhere") == ""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "FOLDER", str(tmp_path))
    for name in ("SNAPSHOT", "OUTCOME", "COPY", "OUTCOME_COPY", "CONFIRMED", "APPLYING"):
        monkeypatch.setattr(store, name, str(tmp_path / name))
    monkeypatch.setattr(store, "RUN", str(tmp_path))
    return tmp_path


def test_another_runs_change_is_unconfirmed_until_it_is_confirmed(folder):
    assert program.is_unconfirmed("mine") is False
    store.write(store.SNAPSHOT, {"run": "another"})
    assert (program.is_unconfirmed("mine"), program.is_unconfirmed("another")) == (True, False)


def test_a_run_whose_change_was_put_back_between_its_kinds_does_not_go_on(folder):
    store.write(store.OUTCOME, {"run": "mine", "at": "12:00:00 UTC", "did": ["table inet a"], "left": []})
    assert program.arm("mine", 60, []) == "the host rolled back at 12:00:00 UTC: table inet a. Run again"
    assert not (folder / "SNAPSHOT").exists()


@pytest.mark.parametrize(
    ("snapshot", "outcome", "ended"),
    [
        ("mine", None, (0, "\n")),
        (None, "mine", (3, "the host rolled back at 12:00:00 UTC: nothing had changed\n")),
        (None, None, (4, f"{program.NOTHING}\n")),
        (None, "another", (4, f"{program.NOTHING}\n")),
        ("another", None, (4, f"{program.NOTHING}\n")),
    ],
)
def test_only_a_change_that_waited_for_it_is_confirmed(folder, monkeypatch, capsys, snapshot, outcome, ended):  # noqa: PLR0917
    monkeypatch.setattr(store, "run", lambda *argv: "")
    if snapshot:
        store.write(store.SNAPSHOT, {"run": snapshot})
    if outcome:
        store.write(store.OUTCOME, {"run": outcome, "at": "12:00:00 UTC", "did": [], "left": []})
    assert (program.main(["rollback", "confirm", "mine"]), capsys.readouterr().out) == ended
    assert (folder / "SNAPSHOT").exists() is (snapshot == "another")


def test_what_was_put_back_is_told_to_its_own_run_only(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "OUTCOME", str(tmp_path / "outcome.json"))
    outcome = {"run": "mine", "at": "12:00:00 UTC", "did": ["table inet a", "link br0"], "left": ["link br1"]}
    (tmp_path / "outcome.json").write_text(json.dumps(outcome))
    assert program.outcome("mine") == "the host rolled back at 12:00:00 UTC: table inet a, link br0; not restored: link br1"
    assert program.outcome("another") == ""


def test_the_base_installs_a_rollback_that_runs_by_itself(tmp_path):
    """With Python alone, from another folder than the host's."""
    for path, text in host.rollback_files("lab").items():
        copy = tmp_path / str(path).lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text.replace("/etc/homelab/lib", str(tmp_path / "etc/homelab/lib")).replace(store.FOLDER, str(tmp_path)))
    (tmp_path / "outcome.json").write_text(json.dumps({"run": "mine", "at": "12:00:00 UTC", "did": [], "left": []}))
    argv = [sys.executable, "-I", str(tmp_path / "etc/homelab/rollback"), "outcome"]
    done = [subprocess.run([*argv, run], capture_output=True, text=True, check=False) for run in ("mine", "")]
    assert [(one.returncode, one.stdout, one.stderr) for one in done] == [
        (3, "the host rolled back at 12:00:00 UTC: nothing had changed\n", ""),
        (0, "\n", ""),
    ]
    assert not list(tmp_path.rglob("__pycache__"))


def test_the_base_installs_all_modules_of_the_rollback():
    modules = {path.name for path in (writers.ROOT / "module_utils/homelab/core/rollback").glob("*.py")}
    assert {path.name for path in host.rollback_files("lab") if str(path.parent) == store.LIBRARY} == modules


def test_kernel_parameters_are_as_before_and_one_that_is_gone_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(state, "PARAMETERS", str(tmp_path))
    (tmp_path / "net").mkdir()
    (tmp_path / "net/rp_filter").write_text("1\n")
    saved = state.parameters(["net/rp_filter", "net/missing"])
    (tmp_path / "net/rp_filter").write_text("0\n")
    left = []
    restore.restore_parameters({**saved, "gone/one": "1\n"}, left)
    assert (saved, (tmp_path / "net/rp_filter").read_text(), left) == ({"net/rp_filter": "1\n"}, "1\n", ["gone/one"])
