"""The kind podman-secret: what Podman says of secrets, what differs, and what a changed one restarts."""

from pathlib import Path

import pytest

from ansible.module_utils.homelab.apply.quadlet.plan import Now, restarted_by, still_used
from ansible.module_utils.homelab.observe import podman_secret
from ansible.module_utils.homelab.observe.podman_secret import PodmanSecret, drift_of, labels_in
from ansible.module_utils.homelab.observe.quadlet import unit_file

# `podman secret inspect` of Podman 5.4.2, one of ours and one of somebody else.
INSPECTED = """[
    {
        "ID": "33c1f5d4be8f2a6f7a40a4ad4",
        "CreatedAt": "2026-01-01T10:00:00.1Z",
        "UpdatedAt": "2026-01-01T10:00:00.1Z",
        "Spec": {
            "Name": "db",
            "Driver": {"Name": "file", "Options": {"path": "/home/web/.local/share/containers/storage/secrets/filedriver"}},
            "Labels": {"homelab.hmac": "aa", "homelab.owner": "lab"}
        }
    },
    {"ID": "2", "Spec": {"Name": "theirs", "Driver": {"Name": "file", "Options": {}}, "Labels": null}}
]"""
OURS = {"homelab.hmac": "aa", "homelab.owner": "lab"}
UNIT = {"user": "web", "name": "db", "digest": "aa"}


def container(name, *secrets, **more):
    lines = "".join(f"Secret={secret}\n" for secret in secrets)
    return {"name": name, "content": f"[Container]\nImage=x\n{lines}[Install]\nWantedBy=default.target\n", **more}


@pytest.fixture
def host(monkeypatch):
    """A host whose users have these secrets; what is not named here has none."""

    def has(secrets, records=None, running=True):
        monkeypatch.setattr(podman_secret, "read_secrets", lambda user: secrets.get(user, {}))
        monkeypatch.setattr(podman_secret, "users_with_secrets", lambda: list(secrets))
        monkeypatch.setattr(podman_secret, "why_not_asked", lambda user: "" if running else f"the systemd manager of {user} does not run")
        monkeypatch.setattr("ansible.module_utils.homelab.core.records.read", lambda _owner, _kind, name: (records or {}).get(name))
        monkeypatch.setattr("ansible.module_utils.homelab.core.records.names", lambda _owner, _kind: list(records or {}))
        return PodmanSecret()

    return has


def test_labels_are_read_and_a_secret_without_any_has_none():
    assert labels_in(INSPECTED) == {"db": OURS, "theirs": {}}


def test_a_secret_with_the_wanted_labels_holds(host):
    seen = host({"web": {"db": OURS}}, {"web/db": {"digest": "aa"}}).detect([UNIT], "lab")[0]
    assert (seen.present, seen.owner, seen.differences) == (True, "lab", [])


def test_another_value_another_owner_and_none_are_drift():
    assert drift_of({**OURS, "homelab.hmac": "bb"}, UNIT, "lab") == ["its value is not the wanted one, by its label homelab.hmac"]
    assert drift_of({**OURS, "homelab.owner": "b"}, UNIT, "lab") == ["label homelab.owner is b, wanted lab"]
    assert len(drift_of({}, UNIT, "lab")) == 2


def test_a_secret_that_is_not_there_is_absent_but_not_where_nobody_can_say(host):
    assert not host({"other": {"db": OURS}}).detect([UNIT], "lab")[0].present
    unknown = host({}, {"web/db": {"digest": "aa"}}, running=False).detect([UNIT], "lab")[0]
    assert (unknown.present, unknown.differences) == (True, ["the systemd manager of web does not run, so its secrets cannot be read"])


def test_what_bears_the_owners_label_is_the_owners_and_a_record_does_not_overrule_anothers(host):
    secrets = {"web": {"db": OURS, "theirs": {}, "b": {"homelab.owner": "b"}}}
    kind = host(secrets, {"web/b": {}, "web/lost": {}})
    assert kind.owned("lab") == ["web/db", "web/lost"]


@pytest.mark.parametrize("value", ["db", "db,type=env,target=PASSWORD", '"db,mode=0400"', "other db"])
def test_a_container_uses_the_secrets_that_it_names(value):
    assert "secret/db" in unit_file.uses(container("a.container", value))


def test_other_words_are_no_secret():
    assert unit_file.uses({"name": "a.build", "content": "[Build]\nSecret=db\n"}).isdisjoint({"secret/db"})
    assert "secret/db" not in unit_file.uses(container("a.container", "db-2", "my,db"))


UNITS = [
    container("db.container", "db"),
    {"name": "app.container", "content": "[Unit]\nRequires=db.service\n[Container]\nImage=x\n"},
    container("stopped.container", "db"),
    container("apart.container", "other"),
]
NOW = Now(installed=UNITS, active=["db.container", "app.container", "apart.container"])


def names(found):
    return [unit["name"] for unit in found[0]], found[1]


def test_a_changed_secret_restarts_what_runs_and_uses_it_and_nothing_else():
    assert names(restarted_by("db", NOW, by_hand=False)) == (["db.container", "app.container"], "")


def test_what_may_not_be_restarted_holds_a_secret_back_unless_it_runs_with_the_wanted_value():
    denied = Now(installed=UNITS, active=NOW.active, denied=["db.container"])
    assert "the change restarts db.container; set `restart: allowed`" in restarted_by("db", denied, by_hand=False)[1]
    assert restarted_by("db", denied, by_hand=True) == ([], "")
    assert restarted_by("other", denied, by_hand=False)[1] == ""


def test_a_secret_that_a_unit_still_names_cannot_go():
    assert still_used(["secret/other"], UNITS) == {"secret/other": "apart.container still names it; change that first"}
    assert still_used(["secret/nobodys"], UNITS) == {}


def test_a_user_for_whom_podman_keeps_nothing_is_not_asked_since_podman_would_begin_to(monkeypatch):
    monkeypatch.setattr(podman_secret, "store_of", lambda _: Path("/nowhere"))
    monkeypatch.setattr(podman_secret.system, "installed", lambda _: True)
    monkeypatch.setattr(podman_secret.system, "run", lambda *_, **__: 1 / 0)
    assert podman_secret.read_secrets("system") == {}
