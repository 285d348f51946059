"""Images: fetched once, whole or not at all."""

import hashlib

import pytest
from homelab import image, records

TEXT = b"an image"
SHA = hashlib.sha256(TEXT).hexdigest()
UNIT = {"name": "debian", "source": "/srv/debian.qcow2", "sha256": SHA}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "ROOT", tmp_path / "records")
    monkeypatch.setattr(image, "FOLDER", tmp_path)
    image.path_of(SHA).write_bytes(TEXT)
    image.path_of(SHA).chmod(0o444)
    return tmp_path


def applied(owner="lab", name="debian"):
    records.write(owner, "image", name, image.observer.record_of(UNIT))


def test_what_has_the_hash_holds(folder):
    applied()
    assert image.observer.look([UNIT], "lab")[0].drift == []
    assert image.named("debian", "lab") == image.path_of(SHA)


def test_a_file_that_was_seen_to_have_the_hash_is_not_read_again(folder, monkeypatch):
    applied()
    monkeypatch.setattr(image, "hash_of", lambda path: pytest.fail("it was read"))
    assert image.observer.look([UNIT], "lab")[0].drift == []


def test_an_altered_image_is_told(folder):
    applied()
    image.path_of(SHA).chmod(0o644)
    image.path_of(SHA).write_bytes(b"another")
    altered, mode, *_ = image.observer.look([UNIT], "lab")[0].drift
    assert altered.startswith(f"{image.path_of(SHA)} was altered: its SHA-256 is ")
    assert mode.endswith("has mode 0644, wanted 0444")


def test_a_file_goes_when_nobody_has_an_image_of_it(folder):
    applied()
    applied("other", "same")
    assert image.used_by_others("lab", "debian", SHA)
    records.remove("other", "image", "same")
    assert not image.used_by_others("lab", "debian", SHA)
