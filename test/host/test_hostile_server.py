"""An image server that lies, or never ends, costs a limited time and nothing of the host. A registry learns nothing that is not its own."""

import hashlib
import itertools
import time

import pytest
from hostile_server import IMAGE, LENGTHS, Handler, served
from writers import module

from ansible.module_utils.homelab.apply import image_registry
from ansible.module_utils.homelab.apply.image_registry import absent, parsed
from ansible.module_utils.homelab.observe import image

SHA = hashlib.sha256(IMAGE).hexdigest()
MIB = 1024 * 1024
LIMIT = 0.4


@pytest.fixture
def library(monkeypatch, machine, tmp_path):
    library = module("image")
    for one in (image, library):
        monkeypatch.setattr(one, "FOLDER", tmp_path / "images")
    machine.programs["qemu-img"] = lambda *_: '{"format": "raw"}'
    monkeypatch.setattr(library, "FETCH_SECONDS", LIMIT)
    monkeypatch.setattr(library, "ANSWER_SECONDS", LIMIT)
    # Each look finds less of it, as with a file that grows.
    room = itertools.count(library.RESERVE + 64 * MIB, -MIB)
    monkeypatch.setattr(library, "left_in", lambda _: next(room))
    monkeypatch.setattr("ansible.module_utils.homelab.core.disk_space.left_in", lambda _: library.RESERVE + 64 * MIB)
    return library


def applied(library, url):
    """What an apply of the image says, without its preview's look at the size."""
    resource = {"name": "debian", "source": url, "sha256": SHA}
    return library.ImageWriter().apply([library.Change(resource, image.Observation("debian"), {})], "lab").get("debian", "")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("endless", "it is larger than the room in "),
        ("endless-zeros", "no end after 0.4 s"),
        ("drip", "no end after 0.4 s"),
        ("drip-headers", "no end after 0.4 s"),
        ("continue-", "no end after 0.4 s"),
        ("lying-head", "it is 52428800 MiB, and there are 64 MiB left in "),
        ("longer", "its SHA-256 is "),
        ("loop", "infinite loop"),
        ("ftp", "HTTP Error 302"),
        ("reset", "Connection reset by peer"),
    ],
)
def test_a_server_that_does_not_keep_to_it_is_left_and_nothing_of_its_image_stays(library, tmp_path, path, reason):
    with served() as (server, url):
        begun = time.monotonic()
        said = applied(library, f"{url}/{path}")
        assert (said.startswith(f"{url}/{path}: "), reason in said) == (True, True), said
        assert time.monotonic() - begun < LIMIT + 2
        assert len([one for one, _ in server.asked]) <= library.MOST_REDIRECTS + 2
    assert list((tmp_path / "images").glob("*")) == []


def test_the_body_of_a_redirect_is_not_read(library):
    with served() as (server, url):
        assert applied(library, f"{url}/redirect-body") == ""
        assert server.sent < 32 * MIB


@pytest.mark.parametrize("path", ["drip-headers", "continue-", "loop", "ftp"])
def test_a_preview_of_it_ends_as_well(library, path):
    with served() as (_, url):
        begun = time.monotonic()
        with pytest.raises(library.OutOfReach, match=f"{path} cannot be had: "):
            library.size_of(f"{url}/{path}")
        assert time.monotonic() - begun < LIMIT + 2


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_is_none_is_no_length(library, length):
    with served() as (_, url):
        assert library.size_of(f"{url}/{length}") == 0


def test_one_server_that_lies_costs_no_other_image(library):
    writer = library.ImageWriter()
    writer.to_change = ["bad", "good"]
    with served() as (_, url):
        units = [{"name": name, "source": f"{url}/{path}", "sha256": name} for name, path in (("bad", "continue-"), ("good", "there"))]
        assert [*writer.rejections(units, "lab")] == ["bad"]


def test_what_a_killed_run_left_of_an_image_goes_with_it(library, machine):
    assert machine
    path = image.path_of(SHA)
    path.parent.mkdir()
    path.with_name(f".homelab-{SHA}").write_bytes(b"a part")
    library.let_go("lab", "debian", SHA, None)
    assert not path.parent.exists()


class Registry(Handler):
    """A registry that sends who asks to another host, which it calls localhost, for a token or for the image."""

    def do_GET(self):
        name = self.path.partition("?")[0].removeprefix("/v2/")
        self.server.asked.append((self.headers["Host"], self.path, self.headers.get("Authorization")))
        elsewhere = f"http://localhost:{self.server.server_port}"
        sent = self.headers.get("Authorization")
        if self.path.startswith("/token"):
            return self.for_ever(b"x", 0.02) if "drip" in self.path else self.begin(None, b'{"token": "a secret"}')
        if name.startswith("busy"):
            return self.begin(0, code=429, **{"Retry-After": "100000"})
        if name.startswith("body"):
            self.begin(None, code=302, Location=f"{elsewhere}/v2/gone/manifests/1")
            return self.for_ever(b"x" * 65536)
        if self.headers["Host"].startswith("localhost"):
            return self.begin(0, code=401, **{"WWW-Authenticate": f'Bearer realm="{elsewhere}/token"'})
        if sent is None:
            query = "?drip" if name.startswith("drip") else ""
            return self.begin(0, code=401, **{"WWW-Authenticate": f'Bearer realm="{elsewhere}/token{query}",service="x"'})
        return self.begin(0, code=307, Location=f"{elsewhere}/v2/gone/manifests/1")

    do_HEAD = do_GET


def asked_of(name):
    """What is said of an image of that registry, and what it was asked: host, path, and the token that was sent."""
    with served(Registry) as (server, url):
        one = parsed(f"{url.removeprefix('http://')}/{name}:1")
        begun = time.monotonic()
        found = absent([one], "http")
        return found, [(host.partition(":")[0], path, sent) for host, path, sent in server.asked], time.monotonic() - begun


def test_a_token_goes_to_the_registry_that_asked_for_it_and_nowhere_else():
    found, asked, _ = asked_of("image")
    assert found == set()
    assert {sent for host, _, sent in asked if host == "localhost"} == {None}
    assert [sent for host, _, sent in asked if host == "127.0.0.1"] == [None, "Bearer a secret"]
    assert [path.partition("?")[0] for host, path, _ in asked if host == "localhost"] == ["/token", "/v2/gone/manifests/1"]


@pytest.mark.parametrize("name", ["busy", "drip", "body"])
def test_a_registry_that_holds_up_counts_as_one_that_has_the_image(monkeypatch, name):
    monkeypatch.setattr(image_registry, "ALL_SECONDS", LIMIT)
    found, asked, seconds = asked_of(name)
    assert (found, seconds < LIMIT + 2, len(asked) < 10) == (set(), True, True)
