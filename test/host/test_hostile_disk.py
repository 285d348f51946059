"""What a guest writes into its raw disk decides nothing: not how the disk is opened, nor what is read for it or stays because of it."""

import os
from pathlib import Path

import libvirt_mock
import pytest
from domain_mock import GUEST, guest, mock_host, whole
from hostile_disk import HOSTILE, SIZE, beginning, hostile_disk, qemu_img
from machine_mock import OWNER, HostSession, agree_to_remove, converge, records, refused, settled, writer_of

from ansible.module_utils.homelab.observe.domain import chain, definition
from ansible.module_utils.homelab.observe.domain import observer as kind

UNIT = {"pool": "vms", "name": "web", "size": f"{SIZE // 1024**2} MiB"}
hostile = pytest.mark.parametrize("names", HOSTILE.values(), ids=HOSTILE)


@pytest.fixture
def pool(monkeypatch, machine, tmp_path):
    """The folder of a pool, on a host without domains."""
    machine.programs["qemu-img"] = qemu_img
    machine.connection = libvirt_mock.connect(monkeypatch)
    machine.connection.pools["vms"] = libvirt_mock.Pool(machine.connection, "vms", str(tmp_path))
    return tmp_path


def use(machine, path, form, part="<source file='{}'/>"):
    """Have a domain that is shut off use a file with a format."""
    driver = f"<driver name='qemu' type='{form}'/>" if form else ""
    disk = f"<disk type='file' device='disk'>{driver}{part.format(path)}<target dev='vda'/></disk>"
    root = definition.parse(f"<domain><name>web</name><devices>{disk}</devices></domain>")
    machine.connection.domain = libvirt_mock.Domain(root, runs=False)


def adopted(**more):
    """What an apply says of the adoption of the volume, and the format that it then has."""
    writer = writer_of("volume")()
    [said] = converge(writer, [writer.normalise({**UNIT, "adopt": True, **more}, {})], OWNER, HostSession())
    return said["msg"], (records.read(OWNER, "volume", "vms/web") or {}).get("format")


@hostile
@pytest.mark.parametrize("form", ["raw", None])
def test_a_raw_disk_of_a_guest_is_not_adopted_as_what_its_header_says(pool, machine, names, form):
    use(machine, hostile_disk(pool / "web", **names), form)
    assert f"domain web has {pool / 'web'} as raw, wanted qcow2" in refused(writer_of("volume"), {**UNIT, "adopt": True})
    assert machine.ran("qemu-img") == []
    assert adopted(format="raw") == ("", "raw")
    assert all("raw" in argv for argv in machine.ran("qemu-img"))


@hostile
def test_a_raw_disk_below_another_one_is_none_of_qcow2_either(pool, machine, names):
    below = "<source file='/top'/><backingStore type='file'><format type='raw'/><source file='{}'/><backingStore/></backingStore>"
    use(machine, hostile_disk(pool / "web", **names), "qcow2", below)
    assert "as raw, wanted qcow2" in refused(writer_of("volume"), {**UNIT, "adopt": True})


@hostile
def test_a_disk_that_no_domain_has_is_adopted_only_whole(pool, names):
    hostile_disk(pool / "web", **names)
    before = beginning(pool / "web")
    assert f"{pool / 'web'} refers to " in refused(writer_of("volume"), {**UNIT, "adopt": True})
    assert beginning(pool / "web") == before
    assert adopted(format="raw") == ("", "raw")


def test_a_whole_disk_that_no_domain_has_is_adopted(pool):
    hostile_disk(pool / "web")
    assert adopted() == ("", "qcow2")


def test_a_snapshot_that_a_domain_has_as_qcow2_is_adopted_as_that(pool, machine):
    use(machine, hostile_disk(pool / "web", backing="/srv/base.qcow2"), "qcow2")
    assert adopted() == ("", "qcow2")


@hostile
def test_a_raw_volume_is_not_opened_as_qcow2_because_that_is_declared_later(pool, machine, names):
    hostile_disk(pool / "web", **names)
    settled("volume", {**UNIT, "format": "raw"})
    assert "is raw, and a volume's format does not change" in refused(writer_of("volume"), UNIT)
    assert machine.ran("qemu-img") == []


@hostile
def test_a_raw_volume_grows_as_a_raw_one(pool, machine, names):
    hostile_disk(pool / "web", **names)
    settled("volume", {**UNIT, "format": "raw"})
    writer = writer_of("volume")()
    [said] = converge(writer, [writer.normalise({**UNIT, "format": "raw", "size": "1 GiB"}, {})], OWNER, HostSession())
    assert said["msg"] == ""
    assert [argv[2:4] for argv in machine.ran("qemu-img", "resize")] == [["raw", str(pool / "web")]]


def test_a_volume_whose_snapshot_says_not_what_it_is_of_does_not_grow(pool, machine):
    use(machine, hostile_disk(pool / "web", backing="/srv/base"), "qcow2")
    settled("volume", UNIT)
    assert "does not record the format of its backing file /srv/base" in refused(writer_of("volume"), {**UNIT, "size": "1 GiB"})


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    return mock_host(monkeypatch, machine, tmp_path)


def with_raw_disk(domain, path):
    for disk in domain.root.findall("devices/disk[@device='disk']"):
        disk.find("driver").set("type", "raw")
        disk.find("source").set("file", str(path))


@hostile
def test_a_domain_is_not_edited_to_read_a_raw_disk_as_qcow2(monkeypatch, host, tmp_path, names):
    domain = guest(monkeypatch, host, whole(), runs=False)
    with_raw_disk(domain, hostile_disk(tmp_path / "web", **names))
    monkeypatch.setattr("ansible.module_utils.homelab.observe.libvirt_host.memory", lambda: 10**6)
    reason = f"vda is {tmp_path / 'web'} as raw, wanted qcow2"
    assert reason in refused(writer_of("domain"), GUEST)
    assert domain.root.find("devices/disk[@device='disk']/driver").get("type") == "raw"
    assert domain.calls == []


@hostile
@pytest.mark.parametrize("runs", [True, False])
def test_a_domain_is_removed_and_a_disk_detached_whatever_the_disk_names_as_its_backing_file(monkeypatch, host, tmp_path, names, runs):
    domain = guest(monkeypatch, host, whole(running=runs), runs=False)
    volume = tmp_path / "data"
    records.write(OWNER, "volume", "vms/data", {"format": "qcow2", "path": str(volume)})
    forged = names if "data_file" in names else {"backing": names["backing"].replace("/etc/shadow", str(volume))}
    with_raw_disk(domain, hostile_disk(tmp_path / "own", **forged))
    if runs:
        domain.create()
    settled("domain", GUEST)
    assert chain.on_snapshots([str(volume)], kind.present(domain)) == []
    agree_to_remove(writer_of("domain"), "web", "")
    assert host.ran("qemu-img") == []


@pytest.mark.parametrize("name", ["nbd://127.0.0.1:1/x", 'json:{"driver":"nbd"}', "/none", "/etc", "fifo"])
def test_the_headers_of_a_domain_that_is_shut_off_lead_to_plain_files_alone(host, tmp_path, name):
    if name == "fifo":
        os.mkfifo(name := str(tmp_path / "fifo"))
    path = hostile_disk(tmp_path / "top", backing=name)
    disk = definition.parse(f"<disk><driver type='qcow2'/><source file='{path}'/></disk>")
    assert chain.files_below(disk) == [name]
    assert [Path(argv[-1]) for argv in host.ran("qemu-img")] == [path]


def test_a_chain_of_headers_that_is_a_loop_ends(monkeypatch, host, tmp_path):
    path = str(hostile_disk(tmp_path / "top"))
    monkeypatch.setattr(chain.volume, "info_of", lambda *_: {"full-backing-filename": path, "backing-filename-format": "qcow2"})
    disk = definition.parse(f"<disk><driver type='qcow2'/><source file='{path}'/></disk>")
    assert set(chain.files_below(disk)) == {path}


@pytest.mark.parametrize(("code", "fails"), [(42, False), (1, True)])
def test_a_domain_that_ends_while_it_is_looked_at_has_no_disk_and_one_that_cannot_be_read_may_have_any(pool, machine, code, fails):
    use(machine, hostile_disk(pool / "web"), "raw")
    listed = machine.connection.domain

    def gone(_flags=0):
        raise libvirt_mock.LibvirtError(code)

    listed.XMLDesc = gone
    if fails:
        with pytest.raises(libvirt_mock.LibvirtError):
            adopted()
    else:
        assert adopted() == ("", "qcow2")
        assert kind.owners() == {}
