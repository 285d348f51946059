"""Volumes: whether there is room for what they are copies of. The pool is a folder of the test's, and images are mocked."""

import os
from types import SimpleNamespace

import pytest
from writers import module

from ansible.module_utils.homelab.core import records

library = module("volume")
MIB = 1024 * 1024


def resource(name, **more):
    return {"pool": "vms", "name": name, "size": "8 GiB", "format": "qcow2", "image": "debian", **more}


def test_copies_that_no_longer_fit_behind_the_others_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "path_of", lambda resource: str(tmp_path / resource["name"]))
    monkeypatch.setattr(library, "source_of", lambda *_: "/srv/debian")
    monkeypatch.setattr(library.image, "info_of", lambda _: {"format": "qcow2"})
    monkeypatch.setattr(library, "data_of", lambda _path, resource: {"large": 8, "small": 2}[resource["name"]] * MIB)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=9 * 256, f_frsize=4096))
    said = {"vms/small": f"image debian takes 2 MiB, and there are 1 MiB left in {tmp_path}"}
    assert library.no_room([resource("large"), resource("small")], "lab") == said
    assert library.no_room([resource("large")], "lab") == {}


def test_only_what_is_yet_to_be_made_is_a_copy(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "path_of", lambda resource: str(tmp_path / resource["name"]))
    (tmp_path / "there").touch()
    assert [library.is_copy(resource(name)) for name in ("there", "new")] == [False, True]


def test_an_image_larger_than_its_volume_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "path_of", lambda resource: str(tmp_path / resource["name"]))
    monkeypatch.setattr(library, "source_of", lambda *_: "/srv/debian")
    monkeypatch.setattr(library.image, "info_of", lambda _: {"virtual-size": 9 * 1024 * MIB, "format": "qcow2"})
    assert library.no_room([resource("web")], "lab") == {"vms/web": "image debian is larger than 8 GiB; declare at least 9 GiB"}


def raw_image(path):
    """3 MiB of data in 64 MiB, of which the rest is a hole."""
    path.write_bytes(os.urandom(3 * MIB))
    os.truncate(path, 64 * MIB)
    return str(path)


def test_a_copy_of_a_raw_image_needs_room_for_its_data_and_not_for_its_holes(monkeypatch, tmp_path):
    source = raw_image(tmp_path / "debian")
    monkeypatch.setattr(library, "path_of", lambda resource: str(tmp_path / resource["name"]))
    monkeypatch.setattr(library, "source_of", lambda *_: source)
    monkeypatch.setattr(library.image, "info_of", lambda _: {"virtual-size": 64 * MIB, "format": "raw"})
    free = SimpleNamespace(f_bavail=5 * 256, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    zeros = "; of a raw image all counts that is no hole (fallocate -d makes some)"
    said = {"vms/b": f"image debian takes 3 MiB, and there are 2 MiB left in {tmp_path}{zeros}"}
    assert library.no_room([resource("a", format="raw"), resource("b", format="raw")], "lab") == said


def test_a_copy_that_broke_off_leaves_nothing_behind(monkeypatch, tmp_path):
    def run(argv, **_):
        (tmp_path / ".homelab-a").write_bytes(b"a part")
        raise library.system.CommandError(argv, "exit code 1", "No space left on device")

    monkeypatch.setattr(library.system, "run", run)
    with pytest.raises(library.system.CommandError, match="No space left on device"):
        library.make(resource("a"), str(tmp_path / "a"), "/srv/debian")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("machine")
def test_a_volume_whose_pool_was_undefined_is_not_taken_for_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(library.Volume, "record_of", lambda *_: {})
    monkeypatch.setattr("ansible.module_utils.homelab.observe.volume.path_of", lambda _: None)
    records.write("lab", "volume", "vms/web", {"path": str(tmp_path / "web")})
    look = lambda: [(one.present, one.differences) for one in library.Volume().observe([resource("web"), resource("new")], "lab")]  # noqa: E731
    assert look() == [(False, []), (False, [])]
    (tmp_path / "web").touch()
    assert look() == [(True, [f"there is no pool vms for {tmp_path / 'web'}"]), (False, [])]


@pytest.mark.usefixtures("machine")
def test_behind_a_mount_that_is_missing_are_the_volumes_that_were_applied_and_no_new_ones(monkeypatch, tmp_path):
    monkeypatch.setattr(library.Volume, "record_of", lambda *_: {})
    monkeypatch.setattr("ansible.module_utils.homelab.observe.volume.path_of", lambda one: str(tmp_path / one["name"]))
    monkeypatch.setattr("ansible.module_utils.homelab.observe.pool.moved", lambda _: "it is another folder")
    records.write("lab", "volume", "vms/web", {"path": str(tmp_path / "web")})
    seen = library.Volume().observe([resource("web"), resource("new")], "lab")
    assert [(one.present, one.differences) for one in seen] == [(True, ["it is another folder"]), (False, [])]
