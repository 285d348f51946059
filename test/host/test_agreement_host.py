"""What is announced of a host's base is what is done: nothing that runs is stopped by a change. Its commands and files are mocked."""

from pathlib import Path

import pytest
from machine_mock import OWNER, HostSession, mock_files, module, records, writer_of

from ansible.module_utils.homelab.apply import reader as writer_reader
from ansible.module_utils.homelab.apply.converge import clear
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe import host as kind
from ansible.module_utils.homelab.observe import reader

UNIT = {"packages": ["htop"]}


@pytest.fixture
def base(monkeypatch, machine, tmp_path):
    """A host on which the base is applied; `files` is what lies there, and `installed` its packages."""
    files, installed = mock_files(monkeypatch, "/etc/"), set()
    for name in ("FORWARDING", "ONLINE_WANTED"):
        for module_with_it in (kind, module("host")):
            monkeypatch.setattr(module_with_it, name, tmp_path / name)
        (tmp_path / name).write_text("0\n")
    monkeypatch.setattr(kind.store, "OUTCOME", str(tmp_path / "outcome"))
    for module_with_it in (reader, writer_reader):
        monkeypatch.setattr(module_with_it, "KEYS", Path("/etc/keys"))
        monkeypatch.setattr(module_with_it, "HOME", tmp_path / "reader")
    machine.writer = writer_of("host")
    machine.programs |= {
        "dpkg-query": lambda *_: "".join(f"{name} installed\n" for name in installed),
        "apt-get": lambda argv, _stdin: installed.update(argv[argv.index("DPkg::Lock::Timeout=300") + 1 :]) or "",
    }
    machine.files, machine.installed, machine.forwarding = files, installed, tmp_path / "FORWARDING"
    applied(machine, UNIT)
    records.write(OWNER, "host", "host", {})
    machine.calls.clear()
    return machine


def applied(machine, unit):
    """What the writer announces of a change, which is then made."""
    writer = machine.writer()
    task = Change(writer.normalise(unit, {}), Observation("host", present=True), {})
    told = writer.disruption(task), writer.affected(task, OWNER)
    assert writer.apply([task], OWNER) == {}
    return told


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ({}, []),
        ({"packages": ["htop", "strace"]}, ["strace"]),
        ({"packages": []}, []),
        ({"podman": False}, []),
        ({"hypervisor": True}, kind.HYPERVISOR),
        ({"forwarding": True}, []),
        ({"confirm": ["ping 192.0.2.1"]}, []),
        ({"readers": [{"key": f"ssh-ed25519 {'A' * 68}", "guests": ["192.0.2.20:22"]}]}, ["sudo"]),
    ],
)
def test_the_base_is_changed_live(base, change, new):
    before = set(base.installed)
    assert applied(base, {**UNIT, **change}) == ("live", [])
    # What is no longer wanted stays: another may have come to need it.
    assert base.installed == before | set(new)
    assert len(base.ran("apt-get")) == bool(new)
    assert {argv[0] for argv in base.ran("systemctl")} <= {"daemon-reload", "unmask", "enable", "add-wants", "start", "is-enabled"}
    assert base.forwarding.read_text().strip() == str(int("forwarding" in change))
    assert ("ip_forward" in base.files["/etc/systemd/system/homelab-nftables.service"]) is ("forwarding" in change)


PLAN = "Inst podman (5.4.2 Debian:13)\nRemv iptables-persistent [1.0.23]\nRemv ifupdown [0.8.44]\n"


def test_an_installation_that_removes_a_package_is_rejected_by_a_preview_and_not_begun(base):
    base.programs |= {
        "apt-cache": lambda *_: "podman:\n  Installed: (none)\n  Candidate: 5.4.2\n",
        "apt-get": lambda argv, _stdin: PLAN if "--simulate" in argv else pytest.fail("it was begun"),
    }
    base.installed.clear()
    reason = base.writer().rejections([base.writer().normalise({"podman": True}, {})], OWNER)["host"]
    assert reason.startswith("podman cannot be installed beside iptables-persistent, ifupdown, which apt would remove")


def test_nothing_is_removed_by_an_installation_that_nobody_simulated(base):
    applied(base, {"packages": ["strace"]})
    assert all("--no-remove" in argv for argv in base.ran("apt-get", "install"))


@pytest.mark.parametrize("was_on", [True, False])
def test_forwarding_that_is_no_longer_wanted_is_as_it_was_before_us(base, was_on):
    if was_on:
        was = {**records.read(OWNER, kind.BEFORE, "host"), "forwarding": True}
        records.write(OWNER, kind.BEFORE, "host", was)
    applied(base, {**UNIT, "forwarding": True})
    assert applied(base, UNIT) == ("live", [])
    assert base.forwarding.read_text().strip() == str(int(was_on))


def test_a_removed_base_leaves_packages_and_what_manages_the_network(base):
    before = set(base.installed)
    [told], [done] = (clear(base.writer(), ["host"], OWNER, session) for session in (None, HostSession()))
    assert (told["disruption"], done["failed"], done["disruption"]) == ("", False, "")
    stopped = [name for argv in base.ran("systemctl", "disable", "--now") for name in argv if not name.startswith("--")]
    assert (stopped, base.ran("systemctl", "stop")) == (kind.OURS, [])
    assert (base.files, base.installed) == ({}, before)


def test_what_somebody_masked_is_there_while_the_base_is_and_masked_again_after_it(base):
    masked = {"systemd-networkd-wait-online.service"}

    def systemctl(argv, _stdin):
        verb, names = argv[1], [one for one in argv[2:] if not one.startswith("--")]
        if verb in ("mask", "unmask"):
            masked.difference_update(names) if verb == "unmask" else masked.update(names)
        if verb == "enable":
            assert not masked & set(names)
        return "\n".join("masked" if name in masked else "enabled" for name in names) if verb == "is-enabled" else ""

    base.programs["systemctl"] = systemctl
    before = set(masked)
    records.remove(OWNER, kind.BEFORE, "host")
    applied(base, UNIT)
    assert masked == set()
    clear(base.writer(), ["host"], OWNER, HostSession())
    assert masked == before
