"""How a host's own words become facts."""

import json
import subprocess

import pytest

from ansible.module_utils.homelab.observe import doctor, networkd


@pytest.fixture
def commands(monkeypatch):
    """What commands print, by their first words."""

    def answer(said):
        def run(argv, **_):
            found = next((text for words, text in said.items() if " ".join(argv).startswith(words)), None)
            return subprocess.CompletedProcess(argv, 1 if found is None else 0, found or "", "")

        monkeypatch.setattr(doctor.system, "run", run)
        monkeypatch.setattr(doctor.system, "installed", lambda _program: True)

    return answer


def test_links_of_networkd_and_of_netplan_are_told_apart(commands, monkeypatch):
    listing = """{"Interfaces": [
        {"Name": "eth0", "AdministrativeState": "configured", "NetworkFile": "/run/systemd/network/10-netplan-eth0.network"},
        {"Name": "br0", "AdministrativeState": "configured", "NetworkFile": "/etc/systemd/network/10-homelab-br0.network"},
        {"Name": "eth1", "AdministrativeState": "unmanaged"}]}"""
    commands({"systemctl is-active systemd-networkd": "active\n", "networkctl": listing})
    monkeypatch.setattr(doctor.os, "listdir", lambda _path: ["lo", "eth0", "eth1", "br0"])
    monkeypatch.setattr(doctor, "ifupdown_links", list)
    monkeypatch.setattr(doctor.networkd, "read_links", dict)
    assert doctor.network()["links"] == {"br0": ["networkd"], "eth0": ["netplan"], "eth1": []}


def test_a_host_is_reached_by_links_with_an_address_or_a_route_and_by_what_is_under_them(commands):
    addresses = [
        {"ifname": "eth0", "mtu": 1500, "flags": [], "addr_info": []},
        {"ifname": "vlan5", "link": "eth0", "mtu": 1500, "flags": [], "addr_info": [{"family": "inet6", "scope": "global"}]},
        {"ifname": "eth1", "mtu": 1500, "flags": [], "addr_info": [{"family": "inet6", "scope": "link"}]},
        {"ifname": "wg0", "mtu": 1500, "flags": [], "addr_info": []},
    ]
    commands({"ip -4 route": "default dev wg0 scope link\n", "ip": json.dumps(addresses), "bridge": "[]"})
    assert networkd.links_that_reach(networkd.read_links()) == {"eth0", "vlan5", "wg0"}


def test_links_of_network_manager_are_those_that_it_does_not_only_tell_of(commands):
    commands(
        {"systemctl is-active NetworkManager": "active\n", "nmcli": "eth0:connected\nbr0:connected (externally)\neth1:unmanaged\nlo:x\n"}
    )
    assert doctor.network_manager_links() == ["eth0"]


def test_links_of_ifupdown_are_those_with_a_stanza(tmp_path):
    (tmp_path / "interfaces").write_text("source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n\nallow-hotplug eth0\n")
    (tmp_path / "interfaces.d").mkdir()
    (tmp_path / "interfaces.d" / "cloud").write_text("iface eth0 inet dhcp\niface eth0 inet6 auto\n# iface eth9 inet dhcp\n")
    assert doctor.ifupdown_links(str(tmp_path)) == ["eth0"]


def test_a_topic_that_cannot_be_read_costs_no_other(monkeypatch, commands):
    commands({})
    monkeypatch.setattr(doctor, "guests", lambda pools: 1 / 0)
    facts = doctor.facts({"packages": {"podman": False, "hypervisor": False, "packages": []}, "homes": ["/none/at/all"], "pools": []})
    assert facts["guests"] == {"error": "ZeroDivisionError: division by zero"}
    assert facts["disk"][0]["path"] == "/"
