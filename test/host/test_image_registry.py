"""Whether a registry has an image; the registry is a server of the test's own."""

import io
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ansible.module_utils.homelab.apply import image_registry
from ansible.module_utils.homelab.apply.image_registry import Image, absent, manifest_url, parsed, token_url

DIGEST = "sha256:" + 64 * "a"


@pytest.mark.parametrize(
    ("name", "image", "url"),
    [
        ("docker.io/caddy:2", "docker.io/library/caddy:2", "https://registry-1.docker.io/v2/library/caddy/manifests/2"),
        ("index.docker.io/caddy", "docker.io/library/caddy:latest", "https://registry-1.docker.io/v2/library/caddy/manifests/latest"),
        ("docker.io/grafana/loki", "docker.io/grafana/loki:latest", "https://registry-1.docker.io/v2/grafana/loki/manifests/latest"),
        ("docker://quay.io/a/b_c:v1.2", "quay.io/a/b_c:v1.2", "https://quay.io/v2/a/b_c/manifests/v1.2"),
        ("registry:5000/a/b/c:2", "registry:5000/a/b/c:2", "https://registry:5000/v2/a/b/c/manifests/2"),
        (f"ghcr.io/a/b@{DIGEST}", f"ghcr.io/a/b@{DIGEST}", f"https://ghcr.io/v2/a/b/manifests/{DIGEST}"),
        (f"ghcr.io/a/b:2@{DIGEST}", f"ghcr.io/a/b@{DIGEST}", f"https://ghcr.io/v2/a/b/manifests/{DIGEST}"),
    ],
)
def test_where_an_image_of_a_whole_name_is(name, image, url):
    assert str(parsed(name)) == image
    assert manifest_url(parsed(name), "https") == url


@pytest.mark.parametrize(
    "name",
    [
        *("", "caddy", "caddy:2", "grafana/loki", "web.image", "localhost/web:1", "localhost:5000/web:1"),
        *(
            "docker-archive:/srv/images/web.tar",
            "oci-archive:/srv/a.b/web.tar",
            "oci:/srv/web",
            "dir:/srv/a.b/c",
            "containers-storage:quay.io/a/b",
        ),
        *(
            "quay.io/a/b:%i",
            "quay.io/a/b:${TAG}",
            "quay.io/A/b",
            "quay.io/a/../b",
            "quay.io/",
            "user@quay.io/a",
            "quay.io/a b",
            "quay.io/a?b",
        ),
    ],
)
def test_a_short_name_one_of_this_host_or_another_transport_is_asked_for_nowhere(name):
    assert parsed(name) is None


@pytest.mark.parametrize(
    ("challenge", "url"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/caddy:pull"',
            "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fcaddy%3Apull",
        ),
        ('bearer realm="https://quay.io/auth?x=1", service="a b"', "https://quay.io/auth?x=1&service=a+b&scope=repository%3Aa%2Fb%3Apull"),
        ('Bearer realm="http://quay.io/auth",service="quay.io"', None),
        ('Bearer realm="/auth"', None),
        ("Bearer", None),
        ('Basic realm="https://quay.io/auth"', None),
        ("", None),
    ],
)
def test_where_there_is_a_token(challenge, url):
    assert token_url(challenge, Image("quay.io", "a/b", "1"), "https") == url


def moved(place):
    return 307, {"Location": place}


def asks(challenge):
    return 401, {"WWW-Authenticate": challenge}


class Registry(BaseHTTPRequestHandler):
    """A registry whose images are named after what it answers; for those of `token/` only to who brings a token."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        sent = self.headers.get("Authorization")
        self.server.asked.append((self.command, path, query, sent))
        if path == "/token":
            return self.answer(200, body=b'{"token": "anonymous"}')
        name = path.removeprefix("/v2/").removesuffix("/manifests/1")
        own = self.headers["Host"]
        if name == "slow":
            time.sleep(2)
        if name.startswith("token/") and sent is None:
            return self.answer(*asks(f'Bearer realm="http://{own}/token",service="here"'))
        answers = {
            **dict.fromkeys(["there", "token/there"], (200, {})),
            "get-alone": (405 if self.command == "HEAD" else 200, {}),
            "head-lies": (404 if self.command == "HEAD" else 200, {}),
            **dict.fromkeys(["moved", "token/moved"], moved("/v2/there/manifests/1")),
            "gone": moved("/v2/none/manifests/1"),
            "away": moved(f"ftp://{own}/v2/none/manifests/1"),
            "private": asks('Basic realm="x"'),
            "private/still": asks(f'Bearer realm="http://{own}/token"'),
            "private/no-token": asks(f'Bearer realm="http://{own}/v2/none/manifests/1"'),
            "private/not-safe": asks(f'Bearer realm="ftp://{own}/token"'),
            **{"forbidden": (403, {}), "busy": (429, {}), "broken": (500, {})},
        }
        return self.answer(*answers.get(name, (404, {})))

    do_HEAD = do_GET

    def answer(self, code, headers=None, body=b""):
        self.send_response(code)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.asked, server.daemon_threads = [], True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def image(server, name):
    return parsed(f"127.0.0.1:{server.server_port}/{name}:1")


@pytest.mark.parametrize("name", ["none", "token/none", "gone"])
def test_what_the_registry_does_not_have_is_absent(server, name):
    assert absent([image(server, name)], "http") == {image(server, name)}


@pytest.mark.parametrize("name", ["there", "token/there", "moved", "get-alone", "head-lies"])
def test_what_it_has_is_not(server, name):
    assert absent([image(server, name)], "http") == set()


@pytest.mark.parametrize(
    "name", ["private", "private/still", "private/no-token", "private/not-safe", "forbidden", "busy", "broken", "away"]
)
def test_what_it_does_not_say_for_certain_is_not(server, name):
    assert absent([image(server, name)], "http") == set()


def test_a_token_is_asked_for_as_the_registry_says_and_is_all_that_is_sent(server):
    absent([image(server, "token/there")], "http")
    (_, _, _, none), (method, path, query, nothing), (_, _, _, token) = server.asked
    assert (method, path, query) == ("GET", "/token", "service=here&scope=repository%3Atoken%2Fthere%3Apull")
    assert [none, nothing, token] == [None, None, "Bearer anonymous"]


def test_a_redirect_away_from_https_is_not_followed():
    def followed(place):
        return image_registry.Asker("https").redirect_request(
            urllib.request.Request("https://quay.io/v2/"), io.BytesIO(), 307, "", {}, place
        )

    assert followed("http://quay.io/v2/x") is None
    assert followed("https://cdn.quay.io/x").full_url == "https://cdn.quay.io/x"


def test_a_token_goes_to_nobody_else(server):
    assert absent([image(server, "token/moved")], "http") == set()
    assert [sent for *_, sent in server.asked] == [None, None, "Bearer anonymous", None]


def test_each_image_is_asked_for_once(server):
    assert absent([image(server, "there")] * 3, "http") == set()
    assert [method for method, *_ in server.asked] == ["HEAD"]


def test_who_does_not_answer_holds_up_nobody(server, monkeypatch):
    monkeypatch.setattr(image_registry, "ALL_SECONDS", 0.5)
    begun = time.monotonic()
    assert absent([image(server, "slow"), image(server, "none")], "http") == {image(server, "none")}
    assert time.monotonic() - begun < 1.5
    server.shutdown()
    server.server_close()
    assert absent([image(server, "none")], "http") == set()


def test_a_registry_without_https_is_told_nothing(server):
    assert absent([image(server, "none")]) == set()
    assert server.asked == []
