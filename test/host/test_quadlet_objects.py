"""What Quadlet units made in Podman's store, and how that is seen to be gone or another."""

import json

import pytest

from ansible.module_utils.homelab.observe.quadlet import objects

UP = {"ActiveState": "active", "InvocationID": "one"}
IMAGE = {"name": "web.image", "content": "[Image]\nImage=docker-archive:/srv/web.tar\nImageTag=localhost/web:1\n"}
NET = {"name": "back.network", "content": "[Network]\n"}
DATA = {"name": "data.volume", "content": "[Volume]\n"}
WEB = {"name": "web.container", "content": "[Container]\nImage=web.image\n"}
RENEWED = {"name": "web.container", "content": "[Container]\nImage=web.image\nAutoUpdate=registry\n"}


@pytest.fixture
def store(tmp_path):
    for folder in ("overlay-images", "networks", "volumes/systemd-data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "networks/systemd-back.json").write_text("{}")
    images = [{"id": "a1", "names": ["localhost/web:1"]}, {"id": "b2", "names": None}]
    (tmp_path / "overlay-images/images.json").write_text(json.dumps(images))
    return tmp_path


def differences(store, unit, state=UP, noted=None, others=(WEB,)):
    return objects.differences("web", store, unit, state, noted=noted or {}, others=lambda: others)


@pytest.mark.parametrize("unit", [IMAGE, NET, DATA, WEB])
def test_what_is_there_is_no_drift(store, unit):
    assert differences(store, unit) == []


def test_what_is_gone_is_told(store):
    (store / "networks/systemd-back.json").unlink()
    (store / "volumes/systemd-data").rmdir()
    (store / "overlay-images/images.json").write_text("[]")
    assert differences(store, NET) == ["network systemd-back does not exist"]
    assert differences(store, DATA) == ["volume systemd-data does not exist"]
    assert differences(store, IMAGE) == ["image localhost/web:1 does not exist"]


def test_what_was_not_made_yet_is_no_drift(store):
    (store / "networks/systemd-back.json").unlink()
    assert differences(store, NET, {"ActiveState": "inactive"}) == []


def test_another_image_under_the_name_is_told(store):
    assert differences(store, IMAGE, noted={"image": "a1", "run": "one"}) == []
    assert differences(store, IMAGE, noted={"image": "b2", "run": "one"}) == [
        "image localhost/web:1 is not the one that web-image.service got"
    ]


def test_an_image_that_its_service_or_podman_renewed_is_none(store):
    assert differences(store, IMAGE, noted={"image": "b2", "run": "an earlier one"}) == []
    assert differences(store, IMAGE, noted={"image": "b2", "run": "one"}, others=(RENEWED,)) == []


def test_a_store_elsewhere_or_of_another_form_tells_nothing(tmp_path, store):
    assert [differences(tmp_path / "none", unit) for unit in (IMAGE, NET, DATA)] == [[], [], []]
    (store / "overlay-images/images.json").write_text('{"no": "list"}')
    assert differences(store, IMAGE) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[Image]\nImage=docker.io/library/caddy\n", "docker.io/library/caddy:latest"),
        ("[Image]\nImage=registry:5000/caddy:2\n", "registry:5000/caddy:2"),
        ("[Image]\nImage=caddy:2\n", None),
        ("[Image]\nImage=docker.io/library/caddy@sha256:00\n", None),
        ("[Image]\nImage=docker-archive:/srv/web.tar\n", None),
        ("[Image]\nImage=docker://docker.io/library/caddy:2\n", None),
    ],
)
def test_only_a_whole_name_can_be_looked_up(text, name):
    assert objects.image_of({"name": "x.image", "content": text}) == name


def test_a_note_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "PULLED", tmp_path / "pulled")
    assert objects.noted("web", IMAGE) == {}
    objects.note("web", IMAGE, "a1", UP)
    assert objects.noted("web", IMAGE) == {"image": "a1", "run": "one"}
    assert (tmp_path / "pulled/web/web.image.json").stat().st_mode & 0o777 == 0o600


def test_names_are_compared_as_podman_stores_them(store):
    untagged = {"name": "web.container", "content": "[Container]\nImage=localhost/web\nPull=newer\n"}
    tagged = {"name": "web.container", "content": "[Container]\nImage=localhost/web:1\nPull=newer\n"}
    stale = {"image": "b2", "run": "one"}
    assert differences(store, IMAGE, noted=stale, others=(untagged,)) != []
    assert differences(store, IMAGE, noted=stale, others=(tagged,)) == []
    assert objects.whole_name("index.docker.io/caddy") == "docker.io/library/caddy:latest"
    assert differences(store, {"name": "back.network", "content": "[Network]\nNetworkName=back-%H\n"}) == []
