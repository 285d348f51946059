"""What is announced of a secret is what is done: who uses a changed one is restarted, and nobody else. Podman and systemd are mocked."""

import json

import pytest
from machine_mock import OWNER, HostSession, agree, agree_to_remove, module, refused, settled

from ansible.module_utils.homelab.apply.converge import clear
from ansible.module_utils.homelab.apply.quadlet import services
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.observe import podman_secret
from ansible.module_utils.homelab.observe.quadlet import home

UP = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
UNIT = {"name": "db", "digest": "aa"}
UNITS = {
    "db.container": "[Container]\nImage=x\nSecret=db\n[Install]\nWantedBy=default.target\n",
    "app.container": "[Unit]\nRequires=db.service\n[Container]\nImage=x\n",
    "stopped.container": "[Container]\nImage=x\nSecret=db\n",
    "apart.container": "[Container]\nImage=x\nSecret=other\n",
}
USERS = ["quadlet-unit system/db.container", "quadlet-unit system/app.container"]


class Podman:
    """A mock of podman(1): the labels and values of its secrets, and a container for each unit."""

    def __init__(self):
        self.labels, self.values, self.created = {}, {}, []

    def __call__(self, argv, stdin):
        if argv[1:3] == ["secret", "ls"]:
            return "\n".join(self.labels)
        if argv[1:3] == ["secret", "inspect"]:
            return json.dumps([{"Spec": {"Name": name, "Labels": labels}} for name, labels in self.labels.items()])
        if argv[1:3] == ["secret", "create"]:
            name = argv[-2]
            assert ("--replace" in argv) == (name in self.labels)
            self.labels[name] = dict(argv[number + 1].split("=") for number, one in enumerate(argv) if one == "--label")
            self.values[name] = stdin
            self.created.append(name)
        if argv[1] == "ps":
            return "".join(f"{name.removesuffix('.container')}.service Up 2 seconds\n" for name in UNITS)
        if argv[1:3] == ["secret", "rm"]:
            del self.labels[argv[3]]
        return ""


@pytest.fixture
def podman(monkeypatch, machine, tmp_path):
    """A host with our secret of the system's, and with units of which one does not run."""
    library, mocked, folder = module("podman_secret"), Podman(), tmp_path / "units"
    folder.mkdir()
    for name, text in UNITS.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(home, "folder_of", lambda *_: folder)
    monkeypatch.setattr(podman_secret, "users_with_secrets", lambda: ["system"])
    monkeypatch.setattr(podman_secret, "uses_podman", lambda *_: True)
    states = {"stopped.service": {**UP, "ActiveState": "inactive"}}
    monkeypatch.setattr(services, "service_states", lambda _user, services: {one: states.get(one, UP) for one in services})
    machine.programs["podman"] = mocked
    mocked.labels["db"] = {podman_secret.OWNER: OWNER, podman_secret.HMAC: "aa"}
    settled("podman_secret", UNIT)

    class Writer(library.PodmanSecretWriter):
        values = {"system/db": "a value", "system/new": "a value", "system/other": "a value"}  # noqa: RUF012

    mocked.writer, mocked.folder = Writer, folder
    return mocked


def restarted(machine):
    """The services that systemd was asked to restart, in one call."""
    calls = machine.ran("systemctl", "restart", "--no-block")
    assert len(calls) <= 1
    return [name for call in calls for name in call]


@pytest.mark.parametrize(
    ("change", "disruption", "affected"),
    [
        ({"name": "new"}, "live", []),
        ({"digest": "bb"}, "restart", USERS),
        ({"name": "other", "digest": "bb"}, "restart", ["quadlet-unit system/apart.container"]),
    ],
)
def test_another_value_restarts_what_runs_with_it(podman, machine, change, disruption, affected):
    unit = {**UNIT, **change}
    agree(podman.writer, unit, disruption, affected)
    assert restarted(machine) == [f"{one.split('/')[1].removesuffix('.container')}.service" for one in affected]
    assert (podman.created, podman.values) == ([unit["name"]], {unit["name"]: "a value"})
    assert podman.labels[unit["name"]] == {podman_secret.OWNER: OWNER, podman_secret.HMAC: unit["digest"]}


def test_a_lost_mark_is_put_back_live(podman, machine):
    del podman.labels["db"][podman_secret.OWNER]
    agree(podman.writer, UNIT, "live")
    assert (restarted(machine), podman.created) == ([], ["db"])


def test_an_apply_that_was_broken_off_restarts_what_may_run_with_the_former_value(podman, machine):
    records.write(OWNER, "podman-secret", "system/db", {"digest": "aa", "pending": True})
    agree(podman.writer, UNIT, "restart", USERS)
    assert restarted(machine) == ["db.service", "app.service"]


def test_what_may_not_be_restarted_keeps_its_value(podman, machine):
    records.write(OWNER, "quadlet-unit", "system/db.container", {"restart": "denied"})
    assert "the change restarts db.container" in refused(podman.writer, {**UNIT, "digest": "bb"})
    assert (restarted(machine), podman.created) == ([], [])


def test_a_value_that_was_altered_by_hand_is_put_back_without_a_restart_that_is_denied(podman, machine):
    records.write(OWNER, "quadlet-unit", "system/db.container", {"restart": "denied"})
    podman.labels["db"][podman_secret.HMAC] = "by hand"
    agree(podman.writer, UNIT, "live")
    assert (restarted(machine), podman.created) == ([], ["db"])


def test_a_secret_that_nobody_names_any_longer_goes_and_restarts_nobody(podman, machine):
    for name in ("db.container", "stopped.container"):
        records.write(OWNER, "quadlet-unit", f"system/{name}", {})
    [said] = clear(podman.writer(), ["system/db"], OWNER, HostSession())
    assert said["failed"]
    assert list(podman.labels) == ["db"]
    for name in ("db.container", "stopped.container"):
        (podman.folder / name).unlink()
    agree_to_remove(podman.writer, "system/db", "")
    assert (podman.labels, restarted(machine)) == ({}, [])


def test_a_unit_that_nobody_applied_keeps_no_secret(podman):
    agree_to_remove(podman.writer, "system/db", "")
    assert podman.labels == {}
