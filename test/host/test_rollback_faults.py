"""The rollback when the host is in trouble: a full or failing disk, programs that hang, a lock that nobody gives back."""

import errno
import fcntl
import os
import time
from types import SimpleNamespace

import pytest

from ansible.module_utils.homelab.apply import host_session
from ansible.module_utils.homelab.core.rollback import kernel_links, program, restore, state, store

MARK = "# homelab: owner=lab kind=bridge name=br0\n"
BRIDGE = {"kind": "bridge", "master": None, "parent": None, "id": None, "up": True, "mtu": 1500, "addresses": [], "vlans": []}
BRIDGE["bridge"] = {"vlan_filtering": 1, "vlan_default_pvid": 0, "stp_state": 0}
NONE = {"vlan_filtering": None, "vlan_default_pvid": None, "stp_state": None}
PORT = {**BRIDGE, "kind": None, "master": "br0", "vlans": [{"vlan": 10}, {"vlan": 1, "flags": ["PVID", "Egress Untagged"]}], "bridge": NONE}
VLAN = {**BRIDGE, "kind": "vlan", "parent": "br0", "id": 10, "addresses": ["10.0.0.1/24"], "bridge": NONE}


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def etc(monkeypatch, tmp_path):
    """A host of which one file and one link were changed, and whose commands are kept."""
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "br0.netdev").write_text(MARK + "a much longer text after the change\n")
    (folder / "new.netdev").write_text(MARK)
    monkeypatch.setattr(state, "MARKED", [f"{folder}/*"])
    monkeypatch.setattr(restore, "NETWORK", f"{folder}/")
    monkeypatch.setattr(restore, "SCRATCH", [])
    monkeypatch.setattr(store, "FOLDER", str(tmp_path / "rollback"))
    monkeypatch.setattr(store, "RUN", str(tmp_path / "run"))
    for name in ("SNAPSHOT", "OUTCOME"):
        monkeypatch.setattr(store, name, str(tmp_path / "rollback" / name))
    for name in ("COPY", "OUTCOME_COPY", "CONFIRMED", "APPLYING"):
        monkeypatch.setattr(store, name, str(tmp_path / "run" / name))
    host = SimpleNamespace(folder=folder, links={"br0": {**BRIDGE, "mtu": 9000}}, calls=[], restores=lambda: True)

    def run(*argv, **_):
        host.calls.append(" ".join(argv))
        if argv[:4] == ("ip", "link", "set", "dev") and host.restores():
            host.links["br0"] = BRIDGE
        return ""

    monkeypatch.setattr(store, "run", run)
    monkeypatch.setattr(state, "links", lambda must=False: dict(host.links))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(restore, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(restore, "restore_parameters", lambda *_: None)
    host.snapshot = {
        "run": "mine",
        "boot": store.boot(),
        "kinds": [],
        "ours": ["br0"],
        "files": {f"{folder}/br0.netdev": [MARK + "before\n", 0o644]},
        "links": {"br0": BRIDGE},
        "routes": ["-4 route replace default via 10.0.0.2 dev lan"],
        "tables": {},
        "forwarding": "1",
        "parameters": {},
    }
    return host


def files(host):
    return {path.name: path.read_text() for path in host.folder.iterdir()}


def left():
    return store.outcome()["left"]


def test_on_a_full_disk_links_and_files_are_restored_and_the_outcome_is_known(monkeypatch, etc):
    real = store.replace
    monkeypatch.setattr(store, "replace", lambda path, *more: real(path, *more) if path.startswith(store.RUN) else full())
    restore.roll_back(etc.snapshot)
    assert (files(etc), etc.links["br0"]) == ({"br0.netdev": MARK + "before\n"}, BRIDGE)
    assert "networkctl reload" in etc.calls
    assert program.outcome("mine").startswith("the host rolled back at ")
    assert left() == []


def test_a_file_that_cannot_be_restored_costs_no_link_and_is_not_read_by_networkd(monkeypatch, etc):
    monkeypatch.setattr(restore, "restore_file", full)
    restore.roll_back(etc.snapshot)
    assert etc.links["br0"] == BRIDGE
    assert "networkctl reload" not in etc.calls
    assert any("br0.netdev" in one and "No space left" in one for one in left())


def test_the_kernel_s_links_come_before_files_and_networkd(etc):
    seen = []
    etc.restores = lambda: seen.append(files(etc)["br0.netdev"]) or True
    restore.roll_back(etc.snapshot)
    assert "after the change" in seen[0]


def test_what_fails_once_is_tried_again(etc):
    tries = iter([False, False, True])
    etc.restores = lambda: next(tries, True)
    restore.roll_back(etc.snapshot)
    assert (etc.links["br0"], left()) == (BRIDGE, [])


@pytest.mark.usefixtures("etc")
def test_a_program_that_hangs_costs_its_time_once(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(store, "COMMAND_SECONDS", 0.2)
    monkeypatch.setattr(store, "hung", set())
    begun = time.monotonic()
    assert [store.run("sleep", "60") for _ in range(5)] == [""] * 5
    assert time.monotonic() - begun < 2
    with pytest.raises(OSError, match=r"sleep 60: .*timed out"):
        store.run("sleep", "60", must=True)


def test_a_lock_that_nobody_gives_back_keeps_no_rollback_from_its_work(monkeypatch, etc):
    os.makedirs(store.RUN)
    with open(store.APPLYING, "w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
        store.write_snapshot({**etc.snapshot, "until": 0})
        program.restore_expired()
    assert (etc.links["br0"], store.snapshot()) == (BRIDGE, None)


def test_a_snapshot_that_the_disk_lost_is_in_memory(etc):
    store.write_snapshot({**etc.snapshot, "until": 0})
    with open(store.SNAPSHOT, "w", encoding="ascii") as damaged:
        damaged.write("{")
    program.restore_expired()
    assert etc.links["br0"] == BRIDGE


def test_only_an_armed_rollback_can_be_confirmed_and_an_answer_that_was_lost_is_given_again(etc):
    assert program.confirm("mine") == program.NOTHING
    store.write_snapshot(etc.snapshot)
    assert [program.confirm("mine"), program.confirm("mine")] == ["", ""]
    assert program.confirm("another") == program.NOTHING


@pytest.mark.parametrize("enabled", ["", "disabled\n", "enabled-runtime\n"])
def test_a_rollback_that_would_not_run_at_boot_is_not_armed(monkeypatch, etc, enabled):
    answers = {"systemctl is-enabled": enabled, "systemctl is-active": "active\n"}
    monkeypatch.setattr(store, "run", lambda *argv, **_: "\n" if argv[0] == "python3" else answers.get(" ".join(argv[:2]), ""))
    monkeypatch.setattr(state, "current", lambda *_: etc.snapshot)
    monkeypatch.setattr(program.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0))
    assert "homelab-rollback.service is" in program.arm("mine", 60, [])
    assert store.snapshot() is None


def test_a_change_that_the_timer_rolled_back_in_its_middle_is_rolled_back_again(monkeypatch, etc):
    reasons = iter(["", "the host rolled back at 12:00:00 UTC: link br0. Run again"])
    monkeypatch.setattr(program, "arm", lambda *_: next(reasons))
    monkeypatch.setattr(host_session, "missing_rollback", lambda: "")
    store.write_snapshot(etc.snapshot)
    session = host_session.HostSession({"id": "mine", "confirm": 60})
    assert session.arm() == ""
    restore.disarm()
    assert session.extend().endswith("the host rolled back at 12:00:00 UTC: link br0. Run again")
    assert etc.links["br0"] == BRIDGE


def test_links_that_are_gone_are_made_again_with_what_they_carried(monkeypatch):
    calls, now = [], {"eth1": {**PORT, "master": None, "vlans": []}}
    made = {"br0": {**BRIDGE, "bridge": {"vlan_filtering": 0, "vlan_default_pvid": 1, "stp_state": 0}}, "lan": {**VLAN, "addresses": []}}

    def run(*argv, **_):
        calls.append(" ".join(argv))
        if argv[:3] == ("ip", "link", "add"):
            name = argv[argv.index("name") + 1]
            now[name] = made[name]
        return ""

    monkeypatch.setattr(store, "run", run)
    monkeypatch.setattr(state, "links", lambda must=False: dict(now))
    was = {"lan": VLAN, "eth1": PORT, "br0": BRIDGE}
    names = kernel_links.changed_links(was, ["lan", "eth1", "br0", "extra"])
    kernel_links.restore(was, names, ["-4 route replace default via 10.0.0.2 dev lan"])
    assert calls == [
        "ip link add name br0 type bridge",
        "ip link set dev br0 type bridge vlan_filtering 0",
        "ip link set dev br0 type bridge vlan_default_pvid 0",
        "ip link set dev br0 type bridge stp_state 0",
        "ip link set dev br0 type bridge vlan_filtering 1",
        "ip link set dev br0 up mtu 1500",
        "ip link add link br0 name lan type vlan id 10",
        "ip link set dev lan up mtu 1500",
        "ip address replace 10.0.0.1/24 dev lan",
        "ip link set dev eth1 master br0",
        "ip link set dev eth1 up mtu 1500",
        "bridge vlan add dev eth1 vid 10",
        "bridge vlan add dev eth1 vid 1 pvid untagged",
        "ip -4 route replace default via 10.0.0.2 dev lan",
    ]


def test_a_link_that_the_change_made_is_deleted_and_another_s_is_not(monkeypatch):
    calls = []
    monkeypatch.setattr(store, "run", lambda *argv, **_: calls.append(" ".join(argv)) or "")
    monkeypatch.setattr(state, "links", lambda must=False: {"new": VLAN, "eth7": {**PORT, "kind": None}})
    kernel_links.restore({}, ["new", "eth7"], [])
    assert calls == ["ip link delete dev new"]
