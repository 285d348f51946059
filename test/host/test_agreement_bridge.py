"""What is announced of a bridge is what is done: it is never recreated, and who is on it is told. networkd and libvirt are mocked."""

from pathlib import Path

import libvirt_mock
import pytest
from machine_mock import OWNER, HostSession, agree, agree_to_refuse, agree_to_remove, refused, settled, writer_of
from networkd_mock import Networkd, link

from ansible.module_utils.homelab.apply.converge import clear, converge
from ansible.module_utils.homelab.apply.networkd import write_files
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.core.rollback import store
from ansible.module_utils.homelab.observe import bridge, networkd, vlan
from ansible.module_utils.homelab.observe.domain import definition

PORT = {"name": "eth1", "tagged": [10]}
UNIT = {"name": "br0", "ports": [PORT]}


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    """Our bridge with a port, a VLAN and a guest on it, beside a free network card and the host's own."""
    xml = (Path(__file__).parent / "domain/shut-off.xml").read_text()
    machine.domain = libvirt_mock.connect(monkeypatch, libvirt_mock.Domain(definition.parse(xml), runs=True)).domain
    mocked = Networkd(monkeypatch, machine, tmp_path / "network")
    mocked.links = {name: link(name) for name in ("eth1", "eth2")} | {"eth0": link("eth0", reachable=True)}
    write_files(bridge.files_of(settled("bridge", UNIT), OWNER), OWNER, "bridge", "br0")
    on_it = settled("vlan", {"name": "apps", "id": 10, "bridge": "br0"})
    write_files(vlan.files_of(on_it, OWNER), OWNER, "vlan", "apps")
    mocked.configure()
    machine.calls.clear()
    mocked.machine = machine
    return mocked


USERS = ["vlan apps", "domain web"]


@pytest.mark.parametrize(
    ("change", "affected"),
    [
        ({"mtu": 9000}, USERS),
        ({"stp": True}, USERS),
        ({"ports": [{**PORT, "tagged": [10, 20]}]}, USERS),
        ({"ports": [PORT, {"name": "eth2", "untagged": 20}]}, USERS),
        ({"ports": []}, USERS),
        ({"name": "br1", "ports": []}, []),
    ],
)
def test_a_bridge_is_changed_live_and_stays_what_others_are_on(host, change, affected):
    resource = {**UNIT, **change}
    before = host.links["apps"]
    agree(writer_of("bridge"), resource, "live", affected)
    assert (host.deleted, host.links["apps"]) == ([], before)
    assert host.machine.domain.calls == []
    assert {name for name, one in host.links.items() if one.master == resource["name"]} == {port["name"] for port in resource["ports"]}
    # Where it reaches nobody, nothing of the bridge that has users was set.
    assert affected or [argv for argv in host.machine.calls if "br0" in argv] == []
    assert host.machine.ran("networkctl", "reload")


def test_a_port_that_leaves_is_as_it_was_before(host):
    agree(writer_of("bridge"), {**UNIT, "ports": [PORT, {"name": "eth2"}]}, "live", USERS)
    agree(writer_of("bridge"), UNIT, "live", USERS)
    assert (host.links["eth2"].master, host.links["eth2"].up, host.links["eth1"].master) == (None, True, "br0")


def test_a_port_that_goes_to_another_bridge_of_the_same_run_keeps_how_it_was_before(host):
    records.write(OWNER, "port-before", "eth1", {"up": True, "mtu": 9000})
    resources = [{**UNIT, "ports": []}, {"name": "br1", "ports": [PORT]}]
    writer = writer_of("bridge")()
    converge(writer, [writer.normalise(one, {}) for one in resources], OWNER, HostSession())
    assert (host.links["eth1"].master, records.read(OWNER, "port-before", "eth1")) == ("br1", {"up": True, "mtu": 9000})


def test_a_host_without_a_rollback_is_not_changed_unless_this_run_brings_its_base(monkeypatch, host):
    monkeypatch.setattr(store, "PROGRAM", "/nowhere")
    assert "no rollback is installed. Declare `homelab_host` for it" in refused(writer_of("bridge"), {**UNIT, "mtu": 9000})
    writer = writer_of("bridge")()
    writer.changed_kinds = ["host"]
    [said] = converge(writer, [writer.normalise({**UNIT, "mtu": 9000}, {})], OWNER, None)
    assert (said["changed"], said["failed"]) == (True, False)


def test_the_hosts_own_card_is_refused_and_stays_where_it_is(host):
    assert "carries this host's own address" in refused(writer_of("bridge"), {**UNIT, "ports": [{"name": "eth0"}]})
    assert (host.links["eth0"].master, host.links["eth1"].master) == (None, "br0")


def test_a_bridge_goes_only_when_nobody_is_on_it(host):
    [said] = clear(writer_of("bridge")(), ["br0"], OWNER, HostSession())
    assert (said["failed"], said["msg"], host.deleted) == (True, "it still carries apps; remove that first", [])
    host.links["theirs"] = link("theirs", master="br0")
    agree_to_refuse(writer_of("bridge"), "br0", "it still carries")
    del host.links["apps"], host.links["theirs"]
    agree_to_remove(writer_of("bridge"), "br0", "")
    assert (host.deleted, host.links["eth1"].master) == (["br0"], None)
    assert list(networkd.marked_files(OWNER, "bridge")) == []
