"""Images: fetched once, whole or not at all."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from homelab import image, records
from writers import module

TEXT = b"an image"
MIB = 1024 * 1024
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


class Server(BaseHTTPRequestHandler):
    """One image, /there, one that says how large it is, and one that is only given when it is asked for whole."""

    def do_HEAD(self):
        self.send_response({"/there": 200, "/large": 200, "/whole": 405}.get(self.path, 404))
        if self.path == "/large":
            self.send_header("Content-Length", str(3 * MIB + 1))
        self.end_headers()

    def log_message(self, *_):
        pass


def test_what_cannot_be_had_is_known_without_fetching_it(tmp_path):
    reason = module("image").out_of_reach
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert reason(f"{url}/there") == ""
        assert reason(f"{url}/whole") == ""
        assert reason(f"{url}/none") == f"{url}/none cannot be had: HTTP Error 404: Not Found"
        server.shutdown()
    assert "Connection refused" in reason(f"{url}/there")
    assert reason(str(tmp_path / "none")) == f"there is no file {tmp_path}/none on this host"


def test_an_image_without_room_is_told_before_it_is_fetched(tmp_path, monkeypatch):
    library = module("image")
    monkeypatch.setattr(library, "FOLDER", tmp_path / "not/yet/there")
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3 * MIB))
    source.open("ab").truncate(8 * MIB)

    def free(mib):
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=mib * 256, f_frsize=4096))

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        free(3)
        assert library.out_of_reach(f"{url}/large") == f"{url}/large is 4 MiB, and there are 3 MiB left in {tmp_path}/not/yet/there"
        assert library.out_of_reach(f"{url}/there") == ""
        free(4)
        assert library.out_of_reach(f"{url}/large") == ""
        server.shutdown()
    # Holes are not copied.
    assert library.out_of_reach(str(source)) == ""
    free(2)
    assert library.out_of_reach(str(source)) == f"{source} is 3 MiB, and there are 2 MiB left in {tmp_path}/not/yet/there"


@pytest.mark.parametrize("data", [b"", b"x", bytes(MIB), b"x" + bytes(2 * MIB), bytes(2 * MIB) + b"x", b"x" + bytes(2 * MIB) + b"x"])
def test_a_copy_is_the_same_and_zeros_take_no_room(tmp_path, data):
    library = module("image")
    (tmp_path / "source").write_bytes(data)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "copy").open("wb") as target:
        library.copy(source, target, hashlib.sha256(data).hexdigest())
    assert (tmp_path / "copy").read_bytes() == data
    assert library.data_of(tmp_path / "copy") <= MIB
