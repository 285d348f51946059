"""Where the key of a guest is pinned: where OpenSSH will look for it."""

import importlib.util
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError

FILE = Path(__file__).resolve().parents[2] / "ansible/lookup_plugins/homelab_host_key.py"
spec = importlib.util.spec_from_file_location("homelab_host_key", FILE)
lookup = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lookup)

CONFIG = """
Host web
  HostName 10.10.10.30
  UserKnownHostsFile /srv/known_hosts /srv/others
Host alias
  HostName 10.10.10.30
  HostKeyAlias web-1
Host port
  HostName 10.10.10.30
  Port 2222
"""


@pytest.mark.parametrize(("host", "name"), [("web", "10.10.10.30"), ("alias", "web-1"), ("port", "[10.10.10.30]:2222"), ("other", "other")])
def test_a_key_is_pinned_under_the_name_that_openssh_looks_for(tmp_path, host, name):
    config = tmp_path / "ssh_config"
    config.write_text(CONFIG)
    place = lookup.place_of(host, str(config))
    assert place["name"] == name
    assert place["path"] == ("/srv/known_hosts" if host == "web" else str(Path.home() / ".ssh/known_hosts"))


def test_a_configuration_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(AnsibleLookupError, match="Can't open user config file"):
        lookup.place_of("web", str(tmp_path / "none"))


def test_a_key_is_pinned_where_none_is_known_and_another_one_stays(tmp_path):
    known = tmp_path / "known_hosts"
    config = tmp_path / "ssh_config"
    config.write_text(f"Host web\n  HostKeyAlias web\n  UserKnownHostsFile {known}\n")
    key, other = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + letter * 42 for letter in "GH")
    assert lookup.pins("web", key, str(config)) == [{"path": str(known), "name": "web", "key": key}]
    known.write_text(f"web {key}\n")
    assert lookup.pins("web", key, str(config)) == []
    assert lookup.pins("web", other, str(config)) == []
    assert lookup.known_keys(str(known), "web") == [key]


GOOD = "ssh-ed25519 " + "A" * 68
BAD = [
    f"{GOOD}\n* {GOOD}",
    f"{GOOD}\n",
    f"{GOOD} comment",
    f"x {GOOD}",
    f"\n@cert-authority * {GOOD}",
    "ssh-rsa " + "A" * 68,
    "ssh-ed25519 AAAA",
    "",
]


@pytest.mark.parametrize("key", [GOOD, *BAD], ids=range(len(BAD) + 1))
@pytest.mark.parametrize("host", ["web", "hv", "elsewhere", "*"])
def test_only_one_key_of_a_guest_that_the_host_itself_has_is_pinned(monkeypatch, tmp_path, host, key):
    monkeypatch.setattr(lookup, "pins", lambda host, key, _config: [(host, key)])
    variables = {
        "inventory_dir": str(tmp_path),
        "domains": [{"name": "web"}, {"name": "lost"}],
        "groups": {"guests": ["web", "elsewhere"], "all": ["hv", "web", "elsewhere"]},
    }
    found = lookup.LookupModule().run([{host: key}], variables)
    assert found == ([("web", GOOD)] if (host, key) == ("web", GOOD) else [])
