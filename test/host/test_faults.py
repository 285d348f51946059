"""At every side effect of one change of every kind: whatever ends there, nothing of others changes, nothing is lost, no resource counts
as applied that is not, the next run repairs it, and the one after that has nothing to do.

The hosts are mocks; test/lab has the same on a real one.
"""

import copy
import inspect
from types import SimpleNamespace

import pytest
import test_agreement_bridge
import test_agreement_image
import test_agreement_nftables_table
import test_agreement_podman_secret
import test_agreement_pool
import test_agreement_sysctl
import test_agreement_vlan
import test_agreement_volume
from conftest import machine as machine_fixture
from faults import Fault, injected
from machine_mock import OWNER, HostSession, writer_of

from ansible.module_utils.homelab.apply import bridge as bridge_writer
from ansible.module_utils.homelab.apply.converge import clear, converge
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.core.specification import KINDS
from ansible.module_utils.homelab.observe import libvirt_host

# Their mocks stand for too little of a host to be observed whole; test/lab has them.
MOCKED_IN_PART = {"host", "service-user", "domain", "quadlet-unit"}
FAULTS = ["kill", "full", "hang", "fail", "clock"]
OTHERS = {"foreign": "of somebody else\n"}


def function_of(fixture):
    """The function of a fixture, to make as many hosts as there are points."""
    return fixture._get_wrapped_function()


# By kind: the host with the resource applied, the changed resource, and what there is beside files.
CASES = {
    "bridge": (test_agreement_bridge.host, lambda _: {**test_agreement_bridge.UNIT, "mtu": 9000}, lambda host: repr(host.links)),
    "vlan": (test_agreement_vlan.host, lambda _: {**test_agreement_vlan.UNIT, "mtu": 9000}, lambda host: repr(host.links)),
    "nftables-table": (
        test_agreement_nftables_table.nft,
        lambda _: {**test_agreement_nftables_table.UNIT, "content": "chain c {\n\tdrop\n}\n"},
        lambda nft: nft.loaded,
    ),
    "sysctl": (
        test_agreement_sysctl.host,
        lambda _: {**test_agreement_sysctl.UNIT, "settings": {"net.core.somaxconn": 256}},
        lambda _: None,
    ),
    "pool": (
        test_agreement_pool.pool,
        lambda folder: test_agreement_pool.resource(folder, name="new", path="new"),
        lambda pool: {name: (one.active, one.starts_at_boot) for name, one in pool.connection.pools.items()},
    ),
    "image": (
        test_agreement_image.folder,
        lambda folder: test_agreement_image.resource(folder, **test_agreement_image.NEWER),
        lambda _: None,
    ),
    "volume": (test_agreement_volume.folder, lambda _: {**test_agreement_volume.UNIT, "name": "new", "image": "debian"}, lambda _: None),
    "podman-secret": (
        test_agreement_podman_secret.podman,
        lambda _: {**test_agreement_podman_secret.UNIT, "digest": "bb"},
        lambda podman: (podman.labels, podman.values),
    ),
}


def made(kind, folder, patch):
    """A host of a kind: the mock, the writer, the changed resource, and a snapshot of it, in which its folder has no name."""
    fixture, change, beside = CASES[kind]
    folder.mkdir()
    (folder / "foreign").write_text(OTHERS["foreign"])
    machine = function_of(machine_fixture)(patch, folder)
    given = {"monkeypatch": patch, "machine": machine, "tmp_path": folder}
    function = function_of(fixture)
    mock = function(**{name: given[name] for name in inspect.signature(function).parameters})
    patch.setattr("ansible.module_utils.homelab.apply.networkd.PATIENCE_SECONDS", 0.02)
    writer = getattr(mock, "writer", None) or writer_of(kind.replace("-", "_"))
    resource = writer().normalise(change(folder), {})

    def snapshot(*, with_records=False):
        files = {
            str(path.relative_to(folder)): path.read_bytes().replace(bytes(folder), b"")
            for path in sorted(folder.rglob("*"))
            if path.is_file() and (with_records or "records" not in path.parts)
        }
        return copy.deepcopy((files, str(beside(mock)).replace(str(folder), "")))

    return SimpleNamespace(mock=mock, writer=writer, resource=resource, snapshot=snapshot, folder=folder)


def applied(host):
    """The result of an apply of the changed resource. A read that fails before the change fails the whole module."""
    try:
        [result] = converge(host.writer(), [host.resource], OWNER, HostSession())
    except system.CommandError as error:
        return {"failed": True, "msg": str(error), "changed": False}
    return result


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", CASES)
def test_a_change_survives_a_fault_at_each_of_its_side_effects(tmp_path, kind, fault):
    with pytest.MonkeyPatch.context() as patch:
        host = made(kind, tmp_path / "clean", patch)
        counting = Fault()
        with injected(patch, counting):
            assert not applied(host)["failed"]
        wanted = host.snapshot()
        assert applied(host)["changed"] is False
    assert len(counting.points) > 2
    for at in range(len(counting.points)):
        with pytest.MonkeyPatch.context() as patch:
            host = made(kind, tmp_path / str(at), patch)
            with injected(patch, Fault(fault, at)):
                applied(host)
            where = f"{fault} at {at}: {counting.points[at]}"
            [seen] = host.writer().detect([host.resource], OWNER)
            assert not seen.in_sync or host.snapshot() == wanted, f"{where}: it counts as applied, and is not"
            repaired = applied(host)
            assert (repaired["failed"], repaired["msg"]) == (False, ""), where
            assert (applied(host)["changed"], host.snapshot()) == (False, wanted), where
            assert (host.folder / "foreign").read_text() == OTHERS["foreign"], where


def removed(host, name):
    """The result of a removal."""
    try:
        [result] = clear(host.writer(), [name], OWNER, HostSession())
    except system.CommandError as error:
        return {"failed": True, "msg": str(error)}
    return result


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", CASES)
def test_a_removal_survives_a_fault_at_each_of_its_side_effects(tmp_path, kind, fault):
    with pytest.MonkeyPatch.context() as patch:
        host = made(kind, tmp_path / "clean", patch)
        applied(host)
        name = host.writer().name_of(host.resource)
        free(host, patch)
        counting = Fault()
        with injected(patch, counting):
            assert not removed(host, name)["failed"]
        wanted = host.snapshot()
        assert name not in host.writer().owned(OWNER)
    for at in range(len(counting.points)):
        with pytest.MonkeyPatch.context() as patch:
            host = made(kind, tmp_path / str(at), patch)
            applied(host)
            free(host, patch)
            with injected(patch, Fault(fault, at)):
                removed(host, name)
            where = f"{fault} at {at}: {counting.points[at]}"
            assert name in host.writer().owned(OWNER) or host.snapshot() == wanted, f"{where}: it is forgotten, and still there"
            again = removed(host, name)
            assert (again["failed"], again["msg"], host.snapshot()) == (False, "", wanted), where
            assert (host.folder / "foreign").read_text() == OTHERS["foreign"], where


def free(host, patch):
    """Have nobody need the resource: guests, units and VLANs of the mocks."""
    patch.setattr(libvirt_host, "domains_on", lambda *_: [])
    patch.setattr(libvirt_host, "taps", dict)
    patch.setattr(bridge_writer, "in_use", lambda *_: "")
    for path in host.folder.glob("units/*"):
        path.unlink()


def test_every_kind_has_a_change():
    assert set(CASES) | MOCKED_IN_PART == set(KINDS)
