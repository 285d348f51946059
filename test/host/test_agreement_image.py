"""What is announced of an image is what is done: files come and go, and nobody who was made of one notices."""

import hashlib

import pytest
from machine_mock import agree, agree_to_remove, module, refused, settled, writer_of

from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.observe import image

OLD, NEW = b"an image", b"a newer one"


def sha(text):
    return hashlib.sha256(text).hexdigest()


UNIT = {"name": "debian", "source": "old", "sha256": sha(OLD)}
NEWER = {"source": "new", "sha256": sha(NEW)}


@pytest.fixture
def folder(monkeypatch, machine, tmp_path):
    """Our image, as it is applied, beside the files that it and a newer one come from. qemu-img(1) is mocked."""
    images = tmp_path / "images"
    images.mkdir()
    for module_with_it in (image, module("image")):
        monkeypatch.setattr(module_with_it, "FOLDER", images)
    machine.programs["qemu-img"] = lambda *_: '{"format": "qcow2"}'
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / name).write_bytes(text)
    image.path_of(sha(OLD)).write_bytes(OLD)
    image.path_of(sha(OLD)).chmod(image.MODE)
    settled("image", resource(tmp_path))
    return tmp_path


def resource(folder, **change):
    """Our image with a change, its source within a folder."""
    whole = {**UNIT, **change}
    return {**whole, "source": str(folder / whole["source"])}


def files():
    return {path.read_bytes(): path.stat().st_mode & 0o777 for path in image.FOLDER.iterdir()}


@pytest.mark.parametrize(("change", "left"), [(NEWER, [NEW]), ({**NEWER, "name": "another"}, [NEW, OLD]), ({"name": "same"}, [OLD])])
def test_an_image_comes_live(folder, change, left):
    if left == [OLD]:
        image.path_of(sha(OLD)).unlink()
    agree(writer_of("image"), resource(folder, **change), "live")
    assert files() == dict.fromkeys(left, image.MODE)


@pytest.mark.parametrize("differences", ["altered", "its mode"])
def test_an_image_that_drifted_is_fetched_anew_live(folder, differences):
    path = image.path_of(sha(OLD))
    path.chmod(0o644)
    if differences == "altered":
        path.write_bytes(b"by hand")
    agree(writer_of("image"), resource(folder), "live")
    assert files() == {OLD: image.MODE}


def test_one_that_cannot_be_had_is_refused_and_the_former_stays(folder):
    assert "there is no file" in refused(writer_of("image"), resource(folder, source="nowhere", sha256=sha(NEW)))
    assert files() == {OLD: image.MODE}


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_removed_image_goes_unless_another_is_the_same_file(folder, is_shared):
    if is_shared:
        records.write("other", "image", "same", {"sha256": sha(OLD)})
    agree_to_remove(writer_of("image"), "debian", "")
    assert (image.FOLDER / sha(OLD)).exists() is is_shared
