"""Images: fetched once, whole or not at all."""

import contextlib
import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from machine_mock import HostSession, converge
from writers import module

from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.observe import image
from ansible.module_utils.homelab.observe import image as fetched

TEXT = b"an image"
MIB = 1024 * 1024
SHA = hashlib.sha256(TEXT).hexdigest()
LARGE = bytes(range(256)) * 1024
LARGE_SHA = hashlib.sha256(LARGE).hexdigest()
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
    assert image.observer.detect([UNIT], "lab")[0].differences == []
    assert image.named("debian", "lab") == image.path_of(SHA)


def test_a_file_that_was_seen_to_have_the_hash_is_not_read_again(folder, monkeypatch):
    applied()
    monkeypatch.setattr(image, "hash_of", lambda path: pytest.fail("it was read"))
    assert image.observer.detect([UNIT], "lab")[0].differences == []


def test_an_altered_image_is_told(folder):
    applied()
    image.path_of(SHA).chmod(0o644)
    image.path_of(SHA).write_bytes(b"another")
    altered, mode, *_ = image.observer.detect([UNIT], "lab")[0].differences
    assert altered.startswith(f"{image.path_of(SHA)} was altered: its SHA-256 is ")
    assert mode.endswith("has mode 0644, wanted 0444")


def test_a_file_goes_when_nobody_has_an_image_of_it(folder):
    applied()
    applied("other", "same")
    assert image.used_by_others("lab", "debian", SHA)
    records.remove("other", "image", "same")
    assert not image.used_by_others("lab", "debian", SHA)


class Server(BaseHTTPRequestHandler):
    """One image, /there, one that says how large it is, and one that is only given when it is asked for whole.

    Others end in the midst: /short with the connection, /chunked within a chunk, and /silent not at all.
    """

    def do_HEAD(self):
        self.send_response(405 if self.path == "/whole" else 404 if self.path == "/none" else 200)
        if self.path == "/large":
            self.send_header("Content-Length", str(3 * MIB + 1))
        self.end_headers()

    def do_GET(self):
        is_chunked = self.path == "/chunked"
        self.send_response(200)
        self.send_header(*(("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(len(LARGE)))))
        self.end_headers()
        begun = LARGE if self.path in ("/there", "/whole") else LARGE[: len(LARGE) // 2]
        self.wfile.write(b"%x\r\n" % len(LARGE) * is_chunked + begun)
        if self.path == "/silent":
            # Until the other side has had enough.
            self.rfile.read(1)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served():
    """Where the images are served for a while."""
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_what_cannot_be_had_is_known_without_fetching_it(tmp_path):
    library = module("image")

    def reason(source):
        try:
            return f"{library.size_of(source)} bytes"
        except library.OutOfReach as reason:
            return str(reason)

    with served() as url:
        assert reason(f"{url}/there").endswith(" bytes")
        assert reason(f"{url}/whole").endswith(" bytes")
        assert reason(f"{url}/none") == f"{url}/none cannot be had: HTTP Error 404: Not Found"
    assert "Connection refused" in reason(f"{url}/there")
    assert reason(str(tmp_path / "none")) == f"there is no file {tmp_path}/none on this host"


def test_an_image_without_room_is_told_before_it_is_fetched(tmp_path, monkeypatch):
    library = module("image")
    monkeypatch.setattr(library, "RESERVE", 0)
    monkeypatch.setattr(library, "FOLDER", tmp_path / "not/yet/there")
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3 * MIB))
    os.truncate(source, 8 * MIB)

    def free(mib):
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=mib * 256, f_frsize=4096))

    def told(**sources):
        resources = [{"name": name, "source": source, "sha256": name} for name, source in sources.items()]
        writer = library.ImageWriter()
        writer.to_change = list(sources)
        return writer.rejections(resources, "lab")

    left = f"MiB left in {tmp_path}/not/yet/there"
    with served() as url:
        free(3)
        assert told(a=f"{url}/large", b=f"{url}/there") == {"a": f"{url}/large is 4 MiB, and there are 3 {left}"}
        free(4)
        assert told(a=f"{url}/large") == {}
        # Holes are not copied; and each is beside those before it.
        assert told(a=str(source), b=f"{url}/large") == {"b": f"{url}/large is 4 MiB, and there are 1 {left}"}
    free(2)
    assert told(a=str(source)) == {"a": f"{source} is 3 MiB, and there are 2 {left}"}


@pytest.fixture
def applied_from(monkeypatch, machine, tmp_path):
    """Applies an image by its source and hash on a host without any, and says what failed. A silent server is left soon."""
    library = module("image")
    for module_with_it in (fetched, library):
        monkeypatch.setattr(module_with_it, "FOLDER", tmp_path / "images")
    machine.programs["qemu-img"] = lambda *_: '{"format": "raw"}'
    monkeypatch.setattr(library, "SILENCE_SECONDS", 0.3)

    def apply(source, sha256):
        resource = {"name": "debian", "source": source, "sha256": sha256}
        [said] = converge(library.ImageWriter(), [resource], "lab", HostSession())
        assert said["failed"] is bool(said["msg"])
        return said["msg"]

    return apply


def files(folder):
    """What lies in a folder, with its mode."""
    return {path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in folder.iterdir()}


@pytest.mark.parametrize("path", ["there", "whole"])
def test_what_is_fetched_lies_under_its_hash_and_is_not_written_to(applied_from, tmp_path, path):
    with served() as url:
        assert applied_from(f"{url}/{path}", LARGE_SHA) == ""
    assert files(tmp_path / "images") == {LARGE_SHA: (LARGE, 0o444)}
    assert fetched.named("debian", "lab") == tmp_path / "images" / LARGE_SHA


def test_what_has_another_hash_is_told_with_it_and_leaves_nothing_behind(applied_from, tmp_path):
    with served() as url:
        assert applied_from(f"{url}/there", SHA) == f"{url}/there: its SHA-256 is {LARGE_SHA}, wanted {SHA}"
    assert (files(tmp_path / "images"), fetched.named("debian", "lab")) == ({}, None)


@pytest.mark.parametrize("path", ["short", "chunked", "silent"])
def test_a_connection_that_breaks_off_leaves_nothing_behind_and_the_next_try_is_good(applied_from, tmp_path, path):
    with served() as url:
        said = applied_from(f"{url}/{path}", LARGE_SHA)
        assert (said.startswith(f"{url}/{path}: "), "SHA-256" in said) == (True, False)
        assert (files(tmp_path / "images"), fetched.named("debian", "lab")) == ({}, None)
        assert applied_from(f"{url}/there", LARGE_SHA) == ""
    assert files(tmp_path / "images") == {LARGE_SHA: (LARGE, 0o444)}


@pytest.mark.parametrize("data", [b"", b"x", bytes(MIB), b"x" + bytes(2 * MIB), bytes(2 * MIB) + b"x", b"x" + bytes(2 * MIB) + b"x"])
def test_a_copy_is_the_same_and_zeros_take_no_room(monkeypatch, tmp_path, data):
    library = module("image")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    (tmp_path / "source").write_bytes(data)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "copy").open("wb") as target:
        library.copy(source, target, hashlib.sha256(data).hexdigest())
    assert (tmp_path / "copy").read_bytes() == data
    assert library.data_of(tmp_path / "copy") <= MIB
