"""The addresses that the controller gives guests: of their VLANs as they are declared."""

import importlib.util
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError

TESTS = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("homelab_addresses", TESTS.parent / "ansible/filter_plugins/homelab_addresses.py")
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
with_addresses = plugin.FilterModule().filters()["homelab_addresses"]

ROW = yaml.safe_load((TESTS / "inventory/addresses.yml").read_text(encoding="utf-8"))[0]
NAME = ROW["name"].removesuffix("/0")
VLAN = {"name": "apps", "bridge": "br0", "id": 10, "address": ROW["network"], "dhcp": {"from": ROW["from"], "to": ROW["to"]}}
AUTO = {"bridge": "br0", "vlan": 10, "address": "auto"}


def addresses_of(interfaces, vlans=(VLAN,)):
    [domain] = with_addresses([{"name": NAME, "interfaces": interfaces}], vlans)
    return [one.get("address") for one in domain["interfaces"]]


def test_an_interface_gets_the_address_that_its_declared_vlan_makes():
    assert addresses_of([AUTO]) == [ROW["address"]]


def test_its_number_is_that_within_its_vlan():
    assert addresses_of([{"bridge": "br1"}, AUTO]) == [None, ROW["address"]]
    second, third = addresses_of([{**AUTO, "address": "10.10.10.9"}, AUTO])
    assert (second, third == ROW["address"]) == ("10.10.10.9", False)


@pytest.mark.parametrize("vlan", [{**VLAN, "id": 11}, {**VLAN, "dhcp": None}, {**VLAN, "address": "x"}])
def test_what_no_declared_vlan_hands_out_is_left_to_the_host(vlan):
    assert addresses_of([AUTO], [vlan]) == ["auto"]


def test_a_domain_without_interfaces_stays_as_it_is():
    assert with_addresses([{"name": "web"}], [VLAN]) == [{"name": "web"}]


def test_what_is_no_list_of_domains_is_told():
    with pytest.raises(AnsibleFilterError, match="as `ansible-doc -t role` tells of them"):
        with_addresses(["web"], [VLAN])
