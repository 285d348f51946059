"""What is announced of a VLAN is what is done: its link is recreated or changed live, and who is in it is told. networkd is mocked."""

from pathlib import Path

import libvirt_mock
import pytest
from machine_mock import OWNER, agree, agree_to_refuse, agree_to_remove, refused, settled, writer_of
from networkd_mock import Networkd

from ansible.module_utils.homelab.apply.converge import clear
from ansible.module_utils.homelab.apply.networkd import write_files
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.observe import bridge, libvirt_host, networkd, vlan
from ansible.module_utils.homelab.observe.domain import definition

DHCP = {"from": "10.10.10.100", "to": "10.10.10.199"}
UNIT = {"name": "apps", "id": 10, "bridge": "br0", "address": "10.10.10.1/24", "dhcp": DHCP}
GUEST = ["domain web"]


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    """Two bridges, and our VLAN on the first, with a guest in it."""
    xml = (Path(__file__).parent / "domain/shut-off.xml").read_text()
    machine.domain = libvirt_mock.connect(monkeypatch, libvirt_mock.Domain(definition.parse(xml), runs=True)).domain
    mocked = Networkd(monkeypatch, machine, tmp_path / "network")
    for name in ("br0", "br1"):
        write_files(bridge.files_of(settled("bridge", {"name": name}), OWNER), OWNER, "bridge", name)
    for resource in (UNIT, {"name": "iot", "id": 20, "bridge": "br0"}):
        write_files(vlan.files_of(settled("vlan", resource), OWNER), OWNER, "vlan", resource["name"])
    mocked.configure()
    # Its DHCP server is networkd's, too (ss(8)).
    machine.programs["ss"] = lambda *_: "UNCONN 0 0 0.0.0.0%apps:67 0.0.0.0:*\n"
    mocked.machine = machine
    return mocked


@pytest.mark.parametrize(
    ("change", "disruption", "affected"),
    [
        ({"id": 11}, "replace", GUEST),
        ({"bridge": "br1"}, "replace", GUEST),
        ({"address": "10.10.10.2/24"}, "live", GUEST),
        ({"mtu": 9000}, "live", GUEST),
        ({"dhcp": {"from": "10.10.10.50", "to": "10.10.10.59"}}, "live", GUEST),
        ({"dhcp": {**DHCP, "dns": ["10.10.10.1"]}}, "live", GUEST),
        ({"dhcp": {**DHCP, "leases": [{"mac": "52:54:00:00:00:0b", "address": "10.10.10.9"}]}}, "live", GUEST),
        ({"name": "new", "id": 30, "address": "10.10.30.1/24", "dhcp": None}, "live", []),
        ({"name": "iot", "id": 20, "address": "10.10.20.1/24", "dhcp": None}, "live", []),
        ({"name": "iot", "id": 21, "address": "10.10.20.1/24", "dhcp": None}, "replace", []),
    ],
)
def test_a_vlan(host, change, disruption, affected):
    resource = {key: value for key, value in {**UNIT, **change}.items() if value is not None}
    agree(writer_of("vlan"), resource, disruption, affected)
    assert host.deleted == ([resource["name"]] if disruption == "replace" else [])
    made = host.links[resource["name"]]
    assert (made.data["id"], made.parent, made.addresses) == (resource["id"], resource["bridge"], [resource["address"]])
    assert made.mtu == resource.get("mtu", 1500)
    assert host.machine.domain.calls == []


def test_an_id_that_another_has_is_refused_and_nothing_is_made_anew(host):
    assert "is link iot's" in refused(writer_of("vlan"), {**UNIT, "id": 20})
    assert (host.deleted, host.links["apps"].data["id"]) == ([], 10)


def test_a_vlan_in_which_a_guest_runs_is_not_removed_and_that_is_announced(host):
    reason = "domain web runs in it; take its interface out first"
    agree_to_refuse(writer_of("vlan"), "apps", reason)
    assert (host.deleted, {said for said in networkd.owned_by("vlan")}) == ([], {("apps", OWNER), ("iot", OWNER)})
    # The guest may leave in the same run.
    records.write(OWNER, "domain", "web", {})
    assert clear(writer_of("vlan")(), ["apps"], OWNER, None)[0]["failed"] is False


def test_a_removed_vlan_goes_alone(monkeypatch, host):
    monkeypatch.setattr(libvirt_host, "domains_on", lambda *_: [])
    agree_to_remove(writer_of("vlan"), "apps", "")
    assert (host.deleted, {said for said in networkd.owned_by("vlan")}) == (["apps"], {("iot", OWNER)})
