"""The seed of a guest."""

import json

import pytest

from ansible.module_utils.homelab.apply import cloud_init as seed
from ansible.module_utils.homelab.core import records, system
from ansible.module_utils.homelab.observe import cloud_init

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
    monkeypatch.setattr(cloud_init, "FOLDER", tmp_path)
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
    assert cloud_init.differences(UNIT, "lab", ID) != []
    seed.make(UNIT, "lab", ID)
    assert cloud_init.differences(UNIT, "lab", ID) == []
    text = cloud_init.path_of("web").read_text()
    assert cloud_init.path_of("web").stat().st_mode & 0o077 == 0
    assert cloud_init.host_key("web", "lab").startswith("ssh-ed25519 AAAA")
    assert json.dumps(cloud_init.key_of("web", "lab").read_text()) in text


def test_a_changed_text_is_drift_and_keeps_the_key(host):
    seed.make(UNIT, "lab", ID)
    key = cloud_init.host_key("web", "lab")
    changed = {**UNIT, "cloud_init": {"user_data": "#cloud-config\n"}}
    assert cloud_init.differences(changed, "lab", ID) == [f"{cloud_init.path_of('web')}: user-data is not the one that it was made of"]
    seed.make(changed, "lab", ID)
    assert cloud_init.differences(changed, "lab", ID) == []
    assert cloud_init.host_key("web", "lab") == key


def test_user_data_of_the_vault_is_known_by_its_hmac(host):
    unit = {**UNIT, "cloud_init": {"user_data_from": "seed", "user_data_digest": "aa"}}
    seed.make(unit, "lab", ID, "#cloud-config\npassword: hunter2\n")
    assert "hunter2" in cloud_init.path_of("web").read_text()
    assert "hunter2" not in cloud_init.made_of("web", "lab").read_text()
    assert cloud_init.differences(unit, "lab", ID) == []
    changed = {**unit, "cloud_init": {**unit["cloud_init"], "user_data_digest": "bb"}}
    assert cloud_init.differences(changed, "lab", ID) == [f"{cloud_init.path_of('web')}: user-data is not the one that it was made of"]


def test_an_altered_seed_is_drift_and_one_that_is_not_wanted_goes(host):
    seed.make(UNIT, "lab", ID)
    cloud_init.path_of("web").write_text("other")
    assert cloud_init.differences(UNIT, "lab", ID) == [f"{cloud_init.path_of('web')} was altered"]
    bare = {key: value for key, value in UNIT.items() if key != "cloud_init"}
    assert cloud_init.differences(bare, "lab", ID) == [f"{cloud_init.path_of('web')} is there, but not wanted"]
    seed.make(bare, "lab", ID)
    seed.forget("web", "lab")
    assert cloud_init.differences(bare, "lab", ID) == []
    assert cloud_init.host_key("web", "lab") is not None


def test_a_renamed_guest_keeps_its_key(host):
    seed.make(UNIT, "lab", ID)
    key = cloud_init.host_key("web", "lab")
    seed.copy_key("web", "shop", "lab")
    # A run that is broken off here can begin again.
    assert (cloud_init.host_key("shop", "lab"), cloud_init.host_key("web", "lab")) == (key, key)
    seed.make({**UNIT, "name": "shop"}, "lab", ID)
    seed.forget("web", "lab")
    seed.forget_key("web", "lab")
    assert (cloud_init.host_key("shop", "lab"), cloud_init.host_key("web", "lab")) == (key, None)


def test_a_lost_public_part_is_made_of_the_private_one(host):
    seed.make(UNIT, "lab", ID)
    key = cloud_init.host_key("web", "lab")
    cloud_init.public_of("web", "lab").unlink()
    seed.make(UNIT, "lab", ID)
    assert cloud_init.host_key("web", "lab") == key


BROKEN = ["", "\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza", "\0" * 400]


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("public", [None, "", "ssh-ed25519 AAA", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG2 other"])
def test_what_a_power_cut_left_of_a_key_is_none(host, text, public):
    key = cloud_init.key_of("web", "lab")
    key.parent.mkdir(parents=True)
    key.write_text(text)
    if public is not None:
        cloud_init.public_of("web", "lab").write_text(public)
    seed.make(UNIT, "lab", ID)
    whole = seed.public_part(key.read_text()).split()[:2]
    assert (whole[0], cloud_init.host_key("web", "lab")) == ("ssh-ed25519", " ".join(whole))
    assert (key.stat().st_mode & 0o777, sorted(path.name for path in key.parent.iterdir())) == (0o600, ["web", "web.pub", "web.seed.json"])


@pytest.mark.parametrize("text", [None, *BROKEN])
def test_a_key_that_a_guest_may_have_is_not_replaced(host, text):
    seed.make(UNIT, "lab", ID)
    key, public = cloud_init.key_of("web", "lab"), cloud_init.host_key("web", "lab")
    whole = key.read_text()
    if text is None:
        key.unlink()
    else:
        key.write_text(text)
    assert cloud_init.differences(UNIT, "lab", ID) != []
    [reason] = seed.rejections(UNIT, "lab")
    assert f"{key} is missing or no SSH key, and guest web may have booted with the real one" in reason
    with pytest.raises(RuntimeError, match="Restore it from a backup"):
        seed.make(UNIT, "lab", ID)
    assert seed.rejections({**UNIT, "name": "shop", "renamed_from": "web"}, "lab") == [reason]
    # As the message says: restored, with whatever mode; or given up.
    key.write_text(whole)
    key.chmod(0o644)
    assert seed.rejections(UNIT, "lab") == []
    key.write_text("")
    cloud_init.made_of("web", "lab").unlink()
    seed.make(UNIT, "lab", ID)
    assert cloud_init.host_key("web", "lab") not in (None, public)


def test_a_broken_public_part_is_made_of_the_private_one(host):
    seed.make(UNIT, "lab", ID)
    key = cloud_init.host_key("web", "lab")
    cloud_init.public_of("web", "lab").write_text("ssh-ed255")
    seed.make(UNIT, "lab", ID)
    assert cloud_init.host_key("web", "lab") == key


def test_a_key_is_written_whole_or_not_at_all(host, monkeypatch):
    written = []
    write = system.write_text
    monkeypatch.setattr(system, "write_text", lambda path, *more, **named: written.append(path) or write(path, *more, **named))
    seed.make(UNIT, "lab", ID)
    assert {cloud_init.key_of("web", "lab"), cloud_init.public_of("web", "lab")} <= {*written}


def test_each_interface_asks_by_its_mac_address():
    links = cloud_init.network_of(UNIT["interfaces"])["ethernets"]
    assert [one["match"]["macaddress"] for one in links.values()] == ["52:54:00:00:00:0a", "52:54:00:00:00:0b"]
    assert all(one["dhcp-identifier"] == "mac" for one in links.values())
