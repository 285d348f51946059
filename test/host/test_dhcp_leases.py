"""Static leases of domains."""

from pathlib import Path

import pytest
import yaml

from ansible.module_utils.homelab.core import ownership
from ansible.module_utils.homelab.observe import addresses, dhcp_leases
from ansible.module_utils.homelab.observe.networkd import FOLDER, Link

TABLE = yaml.safe_load((Path(__file__).parents[1] / "inventory" / "addresses.yml").read_text(encoding="utf-8"))
VLAN = Link("apps", True, True, "", 1500, None, "br0", "vlan", {"id": 10}, ["10.10.10.1/24"], True, {})
INTERFACE = {"bridge": "br0", "vlan": 10, "mac": "52:54:00:00:00:0a", "address": "10.10.10.30"}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_a_derived_address_is_the_same_on_both_routes(row):
    assert addresses.derived(row["name"], row["network"], (row["from"], row["to"])) == row["address"]


def test_a_lease_is_a_drop_in_of_the_vlan_that_bears_the_domains_mark():
    resource = {"name": "web", "interfaces": [INTERFACE, {"bridge": "br0", "mac": "52:54:00:00:00:0b"}]}
    [(path, text)] = dhcp_leases.files_of(resource, "lab", [VLAN]).items()
    assert path == FOLDER / "10-homelab-apps.network.d/domain-web.conf"
    assert ownership.read(text) == {"owner": "lab", "kind": "domain", "name": "web"}
    assert "[DHCPServerStaticLease]\nMACAddress=52:54:00:00:00:0a\nAddress=10.10.10.30\n" in text


def test_an_address_that_no_vlan_hands_out_is_told():
    with pytest.raises(addresses.Missing, match="VLAN 11 on br0 has no link on this host"):
        dhcp_leases.files_of({"name": "web", "interfaces": [{**INTERFACE, "vlan": 11}]}, "lab", [VLAN])


def test_an_address_that_another_domain_still_has_is_refused_to_a_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(dhcp_leases, "FOLDER", tmp_path)
    for path, text in dhcp_leases.files_of({"name": "old", "interfaces": [INTERFACE]}, "lab", [VLAN]).items():
        path.parent.mkdir()
        path.write_text(text)
    new = {"name": "new", "interfaces": [{**INTERFACE, "mac": "52:54:00:00:00:0b"}]}
    [told] = dhcp_leases.refusals(new, [VLAN])
    assert told.startswith("10.10.10.30 is leased to domain old still; release it or give it another address in an up of its own first")
    assert dhcp_leases.refusals({"name": "old", "interfaces": [INTERFACE]}, [VLAN]) == []
    assert dhcp_leases.refusals({**new, "renamed_from": "old"}, [VLAN]) == []
    assert dhcp_leases.refusals({"name": "new", "interfaces": [{**INTERFACE, "address": "10.10.10.3"}]}, [VLAN]) == []
