"""What waits for the network at boot."""

import json
import subprocess

import pytest

from ansible.module_utils.homelab.observe import host


@pytest.mark.parametrize(
    ("links", "uplink"),
    [
        ([{"Name": "lo"}, {"Name": "eth0", "AdministrativeState": "unmanaged", "OnlineState": None}], False),
        ([{"Name": "br0", "AdministrativeState": "configured", "RequiredForOnline": False}], False),
        ([{"Name": "eth0", "AdministrativeState": "configured", "RequiredForOnline": True}], True),
    ],
)
def test_networkd_is_waited_for_only_where_it_brings_the_host_online(monkeypatch, links, uplink):
    said = json.dumps({"Interfaces": links})
    monkeypatch.setattr(host.system, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 0, said, ""))
    assert host.networkd_has_uplink() is uplink


def test_a_host_without_networkd_waits_for_nothing(monkeypatch):
    monkeypatch.setattr(host.system, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 1, "", "not running"))
    assert not host.networkd_has_uplink()


def test_packages_that_apt_does_not_know_are_a_warning(monkeypatch):
    known = "podman:\n  Installed: (none)\n  Candidate: 5.4.2\n"
    virtual = "mail-server:\n  Installed: (none)\n  Candidate: (none)\n"
    monkeypatch.setattr(host, "missing_packages", lambda _: ["podman", "mail-server", "no-such"])
    monkeypatch.setattr(host.system, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 0, known + virtual, ""))
    [said] = host.Host().warnings([host.Host().normalise({}, {})], "lab")["host"]
    assert "no package mail-server, no-such so far" in said
