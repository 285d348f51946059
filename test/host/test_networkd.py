"""Pure parts of the kinds bridge and vlan."""

from ansible.module_utils.homelab.core import ownership
from ansible.module_utils.homelab.observe import bridge, networkd, vlan
from ansible.module_utils.homelab.observe.networkd import Link

BRIDGE = {"name": "br0", "ports": [{"name": "eth1", "tagged": [10, 20], "untagged": 30}], "mtu": 1500, "stp": False}
VLAN = {
    "name": "apps",
    "id": 10,
    "bridge": "br0",
    "address": "10.10.10.1/24",
    "mtu": 1500,
    "dhcp": {"from": "10.10.10.100", "to": "10.10.10.199", "dns": [], "leases": [{"mac": "52:54:00:00:00:0a", "address": "10.10.10.20"}]},
}


def link(**changes):
    values = {"name": "apps", "up": True, "carrier": True, "mac": "", "mtu": 1500, "master": None, "parent": "br0", "kind": "vlan"}
    return Link(**{**values, "data": {"id": 10}, "addresses": ["10.10.10.1/24"], "reachable": True, "vlans": {}, **changes})


def test_every_file_bears_the_mark_of_its_unit():
    for kind, resource, files in (("bridge", BRIDGE, bridge.files_of(BRIDGE, "lab")), ("vlan", VLAN, vlan.files_of(VLAN, "lab"))):
        for text in files.values():
            assert ownership.read(text) == {"owner": "lab", "kind": kind, "name": resource["name"]}


def test_a_port_carries_its_vlans():
    text = bridge.files_of(BRIDGE, "lab")[bridge.FOLDER / "10-homelab-br0-eth1.network"]
    assert text.count("[BridgeVLAN]") == 3
    assert "PVID=30\nEgressUntagged=30\n" in text


def test_a_dhcp_range_is_an_offset_and_a_size_within_the_network():
    text = vlan.files_of(VLAN, "lab")[vlan.FOLDER / "10-homelab-apps.network"]
    assert "PoolOffset=100\nPoolSize=100\n" in text
    assert "MACAddress=52:54:00:00:00:0a\nAddress=10.10.10.20\n" in text


def test_a_dhcp_server_hands_out_addresses_of_its_own_network():
    def with_dhcp(**changes):
        return {**VLAN, "dhcp": {**VLAN["dhcp"], **changes}}

    assert vlan.dhcp_fault(VLAN) == ""
    assert vlan.dhcp_fault(with_dhcp(to="10.10.11.5")) == "dhcp to 10.10.11.5 is not in 10.10.10.0/24"
    assert vlan.dhcp_fault(with_dhcp(**{"from": "10.10.10.0"})).startswith("dhcp from 10.10.10.0 is the first or last address")
    assert vlan.dhcp_fault({key: value for key, value in VLAN.items() if key != "address"}).startswith("dhcp needs `address`")
    assert vlan.dhcp_fault(with_dhcp(**{"from": "10.10.10.200"})) == "dhcp to 10.10.10.199 is before from 10.10.10.200; swap them"


def test_a_vlan_that_holds_has_no_drift():
    assert vlan.link_drift(VLAN, link()) == []


def test_a_lost_address_is_named():
    assert vlan.link_drift(VLAN, link(addresses=[])) == ["apps: address none, wanted 10.10.10.1/24"]


def test_another_id_or_parent_needs_a_new_link():
    assert vlan.must_be_recreated(VLAN, link(data={"id": 11}))
    assert vlan.must_be_recreated(VLAN, link(parent="br1"))
    assert not vlan.must_be_recreated(VLAN, link(addresses=[]))


def test_an_id_that_another_link_holds_is_refused():
    assert vlan.taken(VLAN, [link(), link(name="x", parent="br1"), link(name="y", data={"id": 11})]) == ""
    assert vlan.taken(VLAN, [link(name="old")]) == "VLAN 10 on br0 is link old's; remove that one first, or keep its name"


def test_what_is_masked_or_a_folder_bears_no_mark_and_hinders_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(networkd, "FOLDER", tmp_path)
    (tmp_path / "80-container-host0.network").symlink_to("/dev/null")
    (tmp_path / "odd.netdev").mkdir()
    (tmp_path / "10-homelab-br0.netdev").write_text(ownership.line("lab", "bridge", "br0") + "\n")
    assert networkd.marked_files("lab", "bridge") == {tmp_path / "10-homelab-br0.netdev": "br0"}
