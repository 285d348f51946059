"""What is announced of a volume is what is done: it grows under a guest that runs, and goes only with on_delete: destroy."""

import json
import os
from pathlib import Path

import libvirt_mock
import pytest
from machine_mock import OWNER, agree, agree_to_refuse, agree_to_remove, refused, settled, writer_of

from ansible.module_utils.homelab.apply.converge import clear
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.observe import image
from ansible.module_utils.homelab.observe.domain import definition

GIB = 1024**3
UNIT = {"pool": "vms", "name": "web", "size": "2 GiB"}


class Guest(libvirt_mock.Domain):
    """A mock of a domain whose disk vda is a file, and which sees at once that it grows."""

    def __init__(self, path, runs):
        disk = f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{path}'/><target dev='vda'/></disk>"
        super().__init__(definition.parse(f"<domain><name>web</name><devices>{disk}</devices></domain>"), runs)
        self.path = path

    def blockInfo(self, _target):
        return (size_of(self.path), 0, 0)

    def blockResize(self, target, size, _flags):
        self.calls.append(f"grow {target}")
        write(self.path, size)


def write(path, size):
    Path(path).write_text(json.dumps({"virtual-size": size, "format": "qcow2"}))


def size_of(path):
    return json.loads(Path(path).read_text())["virtual-size"]


def qemu_img(argv, _stdin):
    """A mock of qemu-img(1), for which a file is what it would say of it."""
    if argv[1] == "info":
        return Path(argv[-1]).read_text()
    if argv[1] == "measure":
        return '{"required": 4096}'
    if argv[1] == "convert":
        write(argv[-1], size_of(argv[-2]))
    else:
        write(argv[-2], int(argv[-1]))
    return ""


@pytest.fixture
def folder(monkeypatch, machine, tmp_path):
    """The pool's folder, with our volume as it is applied, and an image."""
    machine.programs["qemu-img"] = qemu_img
    connection = libvirt_mock.connect(monkeypatch)
    vms = tmp_path / "vms"
    vms.mkdir()
    connection.pools["vms"] = libvirt_mock.Pool(connection, "vms", str(vms))
    monkeypatch.setattr(image, "FOLDER", tmp_path)
    write(tmp_path / "abc", GIB)
    records.write(OWNER, "image", "debian", {"sha256": "abc"})
    write(vms / "web", 2 * GIB)
    settled("volume", UNIT)
    machine.connection = connection
    return vms


def with_guest(machine, folder, runs):
    machine.connection.domain = Guest(str(folder / "web"), runs)
    return machine.connection.domain


@pytest.mark.parametrize("change", [{"name": "new"}, {"name": "new", "image": "debian"}])
def test_a_new_volume_comes_live(folder, machine, change):
    agree(writer_of("volume"), {**UNIT, **change}, "live")
    assert sorted(path.name for path in folder.iterdir()) == ["new", "web"]
    assert (size_of(folder / "new"), bool(machine.ran("qemu-img", "convert"))) == (2 * GIB, "image" in change)


@pytest.mark.parametrize("runs", [True, False, None])
@pytest.mark.parametrize("change", [{"size": "3 GiB"}, {"on_delete": "destroy"}])
def test_a_volume_is_changed_live_whether_its_guest_runs_or_not_or_it_has_none(folder, machine, change, runs):
    guest = None if runs is None else with_guest(machine, folder, runs)
    resource, grows = {**UNIT, **change}, "size" in change
    agree(writer_of("volume"), resource, "live")
    assert size_of(folder / "web") == (3 if grows else 2) * GIB
    # A file that a guest has open is its own to change.
    assert bool(machine.ran("qemu-img", "resize")) is (grows and not runs)
    assert guest is None or (guest.calls, guest.isActive()) == (["grow vda"] if grows and runs else [], runs)
    assert records.read(OWNER, "volume", "vms/web")["on_delete"] == resource.get("on_delete", "keep")


@pytest.mark.parametrize(("change", "reason"), [({"size": "1 GiB"}, "never made smaller"), ({"format": "raw"}, "format does not change")])
def test_what_would_lose_data_is_refused_and_not_done(folder, change, reason):
    before = (folder / "web").read_text()
    assert reason in refused(writer_of("volume"), {**UNIT, **change})
    assert (folder / "web").read_text() == before


@pytest.mark.parametrize(("on_delete", "disruption"), [("keep", ""), ("destroy", "data-loss")])
def test_a_removed_volume_loses_its_data_just_when_that_is_announced(folder, on_delete, disruption):
    settled("volume", {**UNIT, "on_delete": on_delete})
    agree_to_remove(writer_of("volume"), "vms/web", disruption)
    assert (folder / "web").exists() is (disruption == "")


@pytest.mark.parametrize("hindrance", ["a guest has it", "it is another file"])
def test_a_volume_that_must_not_go_stays_as_announced(folder, machine, hindrance):
    settled("volume", {**UNIT, "on_delete": "destroy"})
    if hindrance == "a guest has it":
        with_guest(machine, folder, False)
    else:
        os.replace(folder.parent / "abc", folder / "web")
    agree_to_refuse(writer_of("volume"), "vms/web", "take it out there first" if "guest" in hindrance else "another file")
    assert (folder / "web").exists()


def test_a_guest_of_ours_may_leave_with_its_volume(folder, machine):
    settled("volume", {**UNIT, "on_delete": "destroy"})
    with_guest(machine, folder, False)
    records.write(OWNER, "domain", "web", {})
    [said] = clear(writer_of("volume")(), ["vms/web"], OWNER, None)
    assert (said["failed"], said["disruption"]) == (False, "data-loss")


def test_a_volume_that_a_running_guest_gets_at_its_next_boot_grows_as_a_file_and_its_present_disk_stays(folder, machine):
    write(folder / "old", GIB)
    guest = with_guest(machine, folder, True)
    for source in guest.live.iter("source"):
        source.set("file", str(folder / "old"))
    agree(writer_of("volume"), {**UNIT, "size": "3 GiB"}, "live")
    assert (size_of(folder / "web"), size_of(folder / "old"), guest.calls) == (3 * GIB, GIB, [])


@pytest.mark.parametrize(("room", "is_told"), [(GIB, True), (2 * GIB, False)])
@pytest.mark.parametrize("name", ["web", "new"])
def test_a_volume_for_whose_size_there_is_no_room_is_told_though_it_takes_none_yet(monkeypatch, folder, name, room, is_told):
    monkeypatch.setattr("ansible.module_utils.homelab.core.disk_space.left_in", lambda _: room)
    kind = writer_of("volume")()
    said = kind.warnings([kind.normalise({**UNIT, "name": name}, {})], OWNER)
    assert [*said] == ([f"vms/{name}"] if is_told else [])
    assert f"more than the 1024 MiB that {folder} has for it" in "".join(map(str, said.values())) or not is_told
