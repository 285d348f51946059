"""The seed of a guest."""

import json

import pytest
from homelab import records, seed, seed_apply, system

UNIT = {
    "name": "web",
    "interfaces": [{"mac": "52:54:00:00:00:0a"}, {"mac": "52:54:00:00:00:0b"}],
    "cloud_init": {"user_data": "#!/bin/sh\n"},
}
ID = "6d1d6c3e-0000-5000-8000-000000000000"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host's folders; instead of genisoimage(1), which need not be here, the texts one after another are the image."""
    monkeypatch.setattr(records, "ROOT", tmp_path / "records")
    monkeypatch.setattr(seed, "FOLDER", tmp_path)
    run = system.run

    def instead(argv, **more):
        if argv[0] != "genisoimage":
            return run(argv, **more)
        with open(argv[argv.index("-output") + 1], "w") as image:
            image.write("".join(system.read_text(path) for path in argv[argv.index("-output") + 2 :]))
        return None

    monkeypatch.setattr(system, "run", instead)
    return tmp_path


def test_a_seed_is_made_once_with_a_key_of_the_guests_own(host):
    assert seed.drift(UNIT, "lab", ID) != []
    seed_apply.make(UNIT, "lab", ID)
    assert seed.drift(UNIT, "lab", ID) == []
    text = seed.path_of("web").read_text()
    assert seed.path_of("web").stat().st_mode & 0o077 == 0
    assert seed.host_key("web", "lab").startswith("ssh-ed25519 AAAA")
    assert json.dumps(seed.key_of("web", "lab").read_text()) in text


def test_a_changed_text_is_drift_and_keeps_the_key(host):
    seed_apply.make(UNIT, "lab", ID)
    key = seed.host_key("web", "lab")
    changed = {**UNIT, "cloud_init": {"user_data": "#cloud-config\n"}}
    assert seed.drift(changed, "lab", ID) == [f"{seed.path_of('web')}: user-data is not the one that it was made of"]
    seed_apply.make(changed, "lab", ID)
    assert seed.drift(changed, "lab", ID) == []
    assert seed.host_key("web", "lab") == key


def test_an_altered_seed_is_drift_and_one_that_is_not_wanted_goes(host):
    seed_apply.make(UNIT, "lab", ID)
    seed.path_of("web").write_text("other")
    assert seed.drift(UNIT, "lab", ID) == [f"{seed.path_of('web')} was altered"]
    bare = {key: value for key, value in UNIT.items() if key != "cloud_init"}
    assert seed.drift(bare, "lab", ID) == [f"{seed.path_of('web')} is there, but not wanted"]
    seed_apply.make(bare, "lab", ID)
    seed_apply.forget("web", "lab")
    assert seed.drift(bare, "lab", ID) == []
    assert seed.host_key("web", "lab") is not None


def test_a_renamed_guest_keeps_its_key(host):
    seed_apply.make(UNIT, "lab", ID)
    key = seed.host_key("web", "lab")
    seed_apply.copy_key("web", "shop", "lab")
    # A run that is broken off here can begin again.
    assert (seed.host_key("shop", "lab"), seed.host_key("web", "lab")) == (key, key)
    seed_apply.make({**UNIT, "name": "shop"}, "lab", ID)
    seed_apply.forget("web", "lab")
    seed_apply.forget_key("web", "lab")
    assert (seed.host_key("shop", "lab"), seed.host_key("web", "lab")) == (key, None)


def test_a_lost_public_part_is_made_of_the_private_one(host):
    seed_apply.make(UNIT, "lab", ID)
    key = seed.host_key("web", "lab")
    seed.public_of("web", "lab").unlink()
    seed_apply.make(UNIT, "lab", ID)
    assert seed.host_key("web", "lab") == key


def test_each_interface_asks_by_its_mac_address():
    links = seed.network_of(UNIT["interfaces"])["ethernets"]
    assert [one["match"]["macaddress"] for one in links.values()] == ["52:54:00:00:00:0a", "52:54:00:00:00:0b"]
    assert all(one["dhcp-identifier"] == "mac" for one in links.values())
