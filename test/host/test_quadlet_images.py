"""Which images of Quadlet units a registry is asked for, and what is refused then."""

import json
import os
from types import SimpleNamespace

import pytest
from writers import module

from ansible.module_utils.homelab.apply.quadlet import images

NAME = "quay.io/a/web:1"
DIGEST = "sha256:" + 64 * "a"


def unit(content, name="web.container"):
    return {"user": "web", "name": name, "content": content, "restart": "allowed", "on_delete": "keep"}


WEB = unit(f"[Container]\nImage={NAME}\n[Install]\nWantedBy=default.target\n")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "CONTAINERS", tmp_path / "etc")
    monkeypatch.setattr(images, "RUN", tmp_path / "run")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def asked(home, one, *others):
    account = SimpleNamespace(pw_dir=str(home), pw_uid=os.getuid(), pw_gid=os.getgid())
    found = images.to_ask(account, home / "store", [one], [one, *others])
    return [str(image) for image in found.values()]


@pytest.mark.parametrize(
    ("one", "images"),
    [
        (WEB, [NAME]),
        (unit("[Container]\nImage=quay.io/a/web:1\nPodmanArgs=--memory=1g\n"), [NAME]),
        (unit("[Image]\nImage=docker.io/caddy\n", "web.image"), ["docker.io/library/caddy:latest"]),
        (unit("[Image]\nImage=docker-archive:/srv/web.tar\nImageTag=quay.io/a/web:1\n", "web.image"), []),
        (unit("[Container]\nImage=localhost/web:1\n"), []),
        (unit("[Container]\nImage=web.image\n"), []),
        (unit("[Container]\nImage=web:1\n"), []),
        (unit("[Container]\nRootfs=/srv/root\n"), []),
        (unit("[Container]\nImage=quay.io/a/web:1\nPull=never\n"), []),
        (unit("[Image]\nImage=quay.io/a/web:1\nPolicy=never\n", "web.image"), []),
        (unit("[Image]\nImage=quay.io/a/web:1\nAuthFile=/etc/auth.json\n", "web.image"), []),
        (unit("[Container]\nImage=quay.io/a/web:1\nPodmanArgs=--authfile /etc/auth.json\n"), []),
        (unit("[Volume]\nDriver=image\nImage=quay.io/a/web:1\n", "web.volume"), []),
        (unit("[Container]\nImage=quay.io/a/web:1\n[Service]\nEnvironment=REGISTRY_AUTH_FILE=/etc/auth.json\n"), []),
        ({**WEB, "running": False}, []),
    ],
)
def test_which_image_of_a_unit_is_asked_for(home, one, images):
    assert asked(home, one) == images


@pytest.mark.parametrize(
    ("name", "stored", "images"),
    [
        (NAME, NAME, []),
        (NAME, "quay.io/a/web:2", [NAME]),
        ("docker.io/caddy", "docker.io/library/caddy:latest", []),
        (f"quay.io/a/web@{DIGEST}", NAME, []),
        (f"quay.io/a/web@{DIGEST}", "quay.io/a/web-2:1", [f"quay.io/a/web@{DIGEST}"]),
    ],
)
def test_what_is_in_the_store_is_not_asked_for(home, name, stored, images):
    write(home / "store/overlay-images/images.json", json.dumps([{"id": "a1", "names": [stored]}]))
    assert asked(home, unit(f"[Container]\nImage={name}\n")) == images


def test_what_another_unit_makes_is_not_asked_for(home):
    assert asked(home, WEB, unit("[Build]\nImageTag=quay.io/a/web:1\nSetWorkingDirectory=unit\n", "web.build")) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("etc/registries.conf", '[[registry]]\nlocation = "quay.io"\ninsecure = true\n'),
        ("etc/registries.conf", 'credential-helpers = ["secretservice"]\n'),
        ("etc/registries.conf.d/1.conf", '[[registry]]\nprefix = "quay.io/a"\nlocation = "mirror.lan/a"\n'),
        (".config/containers/registries.conf", '[[registry]]\nprefix = "*.io"\nblocked = true\n'),
        ("etc/registries.conf", "no TOML"),
        ("etc/registries.conf", 'registry = "quay.io"\n'),
        ("etc/storage.conf", '[storage]\nrootless_storage_path = "/srv/$USER"\n'),
        ("etc/storage.conf", '[storage.options]\nadditionalimagestores = ["/srv/images"]\n'),
        (".config/containers/storage.conf", '[storage]\ngraphroot = "/srv/web"\n'),
        ("store/overlay-images/images.json", '{"no": "list"}'),
        (".config/containers/auth.json", "{}"),
        (f"run/user/{os.getuid()}/containers/auth.json", "{}"),
    ],
)
def test_nothing_is_asked_where_podman_may_get_it_in_another_way(home, path, text):
    write(home / path, text)
    assert asked(home, WEB) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("etc/registries.conf", 'unqualified-search-registries = ["quay.io"]\n[[registry]]\nprefix = "*.quay.io"\n'),
        ("etc/registries.conf", '[[registry]]\nprefix = "lan"\nlocation = "quay.io"\n'),
        ("etc/registries.conf.d/shortnames.conf", '[aliases]\n"web" = "quay.io/a/web"\n'),
        ("etc/storage.conf", '[storage]\ndriver = "overlay"\ngraphroot = "/var/lib/containers/storage"\n'),
        ("store/overlay-images/images.lock", ""),
    ],
)
def test_settings_of_something_else_are_no_reason_not_to_ask(home, path, text):
    write(home / path, text)
    assert asked(home, WEB) == [NAME]


def test_a_unit_whose_image_its_registry_does_not_have_is_refused(home, monkeypatch):
    library = module("quadlet_unit")
    account = SimpleNamespace(pw_dir=str(home), pw_uid=os.getuid(), pw_gid=os.getgid())
    for name, mock in {
        "account_of": lambda _: account,
        "store_of": lambda _: home / "store",
    }.items():
        monkeypatch.setattr(library, name, mock)
    monkeypatch.setattr(library.checks, "generated", lambda *_: library.checks.Generated({}, {}))
    monkeypatch.setattr(library.checks, "taken_ports", lambda *_: [])
    for name in ("CONTAINERS", "RUN"):
        monkeypatch.setattr(library.images, name, home / name)
    monkeypatch.setattr(library.QuadletUnitWriter, "_now", lambda *_: library.Now())
    monkeypatch.setattr(library.image_registry, "absent", lambda images: {one for one in images if one.version == "2x"})
    there, same = WEB, {**unit("[Container]\nImage=quay.io/a/web:2x\n"), "name": "same.container"}
    gone = {**unit("[Container]\nImage=docker.io/caddy:2x\n"), "name": "gone.container"}
    writer = library.QuadletUnitWriter()
    writer.to_change = ["web/web.container", "web/gone.container"]
    # What does not change is asked for by nobody.
    assert writer.rejections([there, gone, same], "lab") == {
        "web/gone.container": "there is no image docker.io/library/caddy:2x (docker.io answers 404)"
    }
