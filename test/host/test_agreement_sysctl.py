"""Kernel parameters: what is announced is what is done, and a removal leaves what was in force. The kernel's files are mocked."""

import pytest
from machine_mock import OWNER, agree, agree_to_remove, module, records, refused, settled, writer_of

from ansible.module_utils.homelab.observe import sysctl
from ansible.module_utils.homelab.observe.sysctl import Sysctl, path_of, settings_of

UNIT = {"name": "ports", "settings": {"net.core.somaxconn": 128}}
RUNNING = {"net/core/somaxconn": "64", "vm/swappiness": "60", "net/ipv4/conf/all/rp_filter": "0", "net/ipv4/tcp_rmem": "1\t2\t3"}


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    """A host with our file, applied; `value` reads a parameter."""
    kernel, folder, lib = tmp_path / "kernel", tmp_path / "sysctl.d", tmp_path / "lib"
    for path, value in RUNNING.items():
        (kernel / path).parent.mkdir(parents=True, exist_ok=True)
        (kernel / path).write_text(f"{value}\n")
    lib.mkdir()
    folder.mkdir()
    for one in (sysctl, module("sysctl")):
        monkeypatch.setattr(one, "FOLDER", folder)
        monkeypatch.setattr(one, "KERNEL", kernel)
    monkeypatch.setattr(sysctl, "FOLDERS", [lib, folder])
    # Files are root's where they are real.
    real = sysctl.system.write_text
    monkeypatch.setattr(sysctl.system, "write_text", lambda path, text, **more: real(path, text, **{**more, "uid": -1, "gid": -1}))
    machine.folder, machine.lib, machine.value = folder, lib, lambda path: (kernel / path).read_text().strip()
    agree(writer_of("sysctl"), UNIT, "live")
    settled("sysctl", UNIT)
    return machine


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"net.core.somaxconn": 256}},
        {"settings": {"net/core/somaxconn": 256, "vm.swappiness": "10"}},
        {"settings": {"net.ipv4.conf.all.rp_filter": 1}},
        {"name": "other", "settings": {"vm.swappiness": 10}},
    ],
)
def test_parameters_are_changed_live_and_those_that_left_are_restored(host, change):
    resource = {**UNIT, **change}
    agree(writer_of("sysctl"), resource, "live")
    wanted = {path_of(key): str(value) for key, value in resource["settings"].items()}
    left = {"net/core/somaxconn": "128" if "name" in change else "64"}
    assert {path: host.value(path) for path in {**left, **wanted}} == {**left, **wanted}
    seen = Sysctl().observe([resource], OWNER)[0]
    assert (seen.present, seen.differences, seen.owner) == (True, [], OWNER)


def test_drift_of_file_and_running_value_is_reported(host):
    sysctl.file_of("ports").write_text("net.core.somaxconn = 1\n")
    (sysctl.KERNEL / "net/core/somaxconn").write_text("7\n")
    [seen] = Sysctl().observe([UNIT], OWNER)
    assert "-net.core.somaxconn = 1" in seen.differences[0]
    assert seen.differences[1] == "net.core.somaxconn is 7, wanted 128"


@pytest.mark.parametrize(("other", "value"), [(None, "64"), ("net.core.somaxconn=99\n", "99")])
def test_a_removal_leaves_what_was_in_force_or_what_other_files_have(host, other, value):
    if other:
        (host.lib / "10-debian.conf").write_text(other)
    agree_to_remove(writer_of("sysctl"), "ports", "")
    assert (host.value("net/core/somaxconn"), list(host.folder.iterdir())) == (value, [])
    assert records.names(OWNER, "sysctl-before") == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"vm.no_such": 1}, "the kernel has no parameter vm.no_such that can be read"),
        ({"vm.swappiness": 1}, "vm.swappiness is also set by owner 'garage'"),
    ],
)
def test_what_cannot_be_set_is_rejected_before_anything_is_changed(host, settings, reason):
    (host.folder / "60-homelab-theirs.conf").write_text("# homelab: owner=garage kind=sysctl name=theirs\nvm.swappiness = 5\n")
    assert reason in refused(writer_of("sysctl"), {"name": "new", "settings": settings})
    assert not sysctl.file_of("new").exists()


def test_two_resources_cannot_set_one_parameter(host):
    writer = writer_of("sysctl")()
    both = [UNIT, {"name": "again", "settings": {"net/core/somaxconn": 1}}]
    assert set(writer.rejections(both, OWNER)) == {"ports", "again"}


@pytest.mark.parametrize(
    ("key", "risky"),
    [
        ("net.ipv4.conf.all.rp_filter", True),
        ("net/ipv6/conf/all/forwarding", True),
        ("net.netfilter.nf_conntrack_max", True),
        ("vm.swappiness", False),
        ("kernel.pid_max", False),
    ],
)
def test_only_what_can_cut_the_host_off_is_behind_a_rollback(host, key, risky):
    writer = writer_of("sysctl")()
    writer.rejections([{"name": "one", "settings": {key: 1}}], OWNER)
    assert writer.can_disconnect(["one"]) is risky
    assert writer.parameters_of(["one"]) == [path_of(key)]


def test_a_later_file_that_wins_at_boot_is_a_warning(host):
    (host.folder / "99-local.conf").write_text("net.core.somaxconn = 5\n-vm.swappiness = 1\n")
    [text] = Sysctl().warnings([UNIT], OWNER)["ports"]
    assert text.endswith("99-local.conf sets net.core.somaxconn to 5, which overrides this file at boot")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# a=b\n; c.d=1\n net.core.x = 1  2\n", {"net/core/x": "1 2"}),
        ("net/ipv4/conf/eth0.100/rp_filter=1\nnet.*.x=1\n", {"net/ipv4/conf/eth0.100/rp_filter": "1"}),
        ("net.ipv4.conf.eth0/100.rp_filter=1\n", {"net/ipv4/conf/eth0.100/rp_filter": "1"}),
    ],
)
def test_files_are_read_as_sysctl_d_has_them(text, found):
    assert settings_of(text) == found
