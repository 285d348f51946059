"""Services of Quadlet units as systemd reports them, and whose units are where. systemd is mocked."""

import os
import subprocess
from pathlib import Path

import pytest

from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.observe.quadlet import home as quadlet_home
from ansible.module_utils.homelab.observe.quadlet import observer as quadlet_unit
from ansible.module_utils.homelab.observe.quadlet import states, users
from ansible.module_utils.homelab.observe.quadlet.observer import QuadletUnit
from ansible.module_utils.homelab.observe.quadlet.states import state_drift

LOADED = {"LoadState": "loaded", "Result": "success", "SubState": "dead", "ExecMainStartTimestampMonotonic": "0"}


@pytest.mark.parametrize(
    ("state", "should_run", "differences"),
    [
        ({"ActiveState": "active"}, True, []),
        (
            {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"},
            True,
            ["a.service is failed (failed, exit-code), wanted active"],
        ),
        (
            {"ActiveState": "activating", "SubState": "auto-restart"},
            True,
            ["a.service is activating (auto-restart, success), wanted active"],
        ),
        ({"ActiveState": "inactive", "Type": "oneshot", "ExecMainStartTimestampMonotonic": "5"}, True, []),
        ({"ActiveState": "inactive", "Type": "oneshot"}, True, ["a.service is inactive (dead, success), wanted active"]),
        ({"ActiveState": "active"}, False, ["a.service is active, wanted stopped"]),
        ({"ActiveState": "inactive"}, False, []),
        ({"ActiveState": "inactive"}, None, []),
        ({"LoadState": "not-found"}, None, ["a.service: systemd reports it as not-found, wanted loaded"]),
        ({"ActiveState": "active", "FragmentPath": "/run/user/2001/systemd/generator/a.service"}, True, []),
        (
            {"ActiveState": "active", "FragmentPath": "/etc/systemd/system/a.service"},
            True,
            ["a.service: systemd takes it from /etc/systemd/system/a.service, not from Quadlet's generator; remove that file"],
        ),
    ],
)
def test_a_service_is_as_its_unit_asks(state, should_run, differences):
    assert state_drift("a.service", {**LOADED, **state}, should_run) == differences


@pytest.mark.parametrize(
    ("service", "paths", "told"),
    [
        ("a.service", "", []),
        ("a.service", "/etc/systemd/system/a.service.d/override.conf", ["/etc/systemd/system/a.service.d/override.conf"]),
        # Those for all services, or for all of a prefix, are the administrator's word on more than this unit.
        ("a-b.service", "/usr/lib/systemd/user/service.d/10.conf /etc/systemd/user/a-.service.d/20.conf", []),
        ("a@.service", "/run/systemd/system.control/a@.service.d/5.conf", ["/run/systemd/system.control/a@.service.d/5.conf"]),
        ("a@1.service", "/x/a@.service.d/5.conf /x/a@1.service.d/6.conf", ["/x/a@.service.d/5.conf", "/x/a@1.service.d/6.conf"]),
    ],
)
def test_a_drop_in_of_systemd_s_that_changes_a_service_is_a_warning(monkeypatch, service, paths, told):
    monkeypatch.setattr(quadlet_unit, "service_states", lambda _, services: {one: {"DropInPaths": paths} for one in services})
    unit = {"user": "web", "name": service.replace(".service", ".container"), "content": "[Container]\nImage=x\n"}
    said = QuadletUnit().warnings([unit], "lab").get(f"web/{unit['name']}", [])
    assert said == [f"{path} changes {service}: declare that in the unit, and remove the file" for path in told]


@pytest.mark.parametrize(("looks", "differences"), [(["activating", "active"], False), (["activating"], True)])
def test_a_restart_of_systemds_own_is_waited_for_and_one_without_end_is_told(monkeypatch, looks, differences):
    told, clock = list(looks), iter(range(100))
    monkeypatch.setattr(states.time, "sleep", lambda _: None)
    monkeypatch.setattr(states.time, "monotonic", lambda: next(clock))
    shown = {"ActiveState": "active", **LOADED}
    now = lambda *_: {"a.service": {**shown, "ActiveState": told.pop(0) if len(told) > 1 else told[0]}}  # noqa: E731
    monkeypatch.setattr(states, "service_states", now)
    assert bool(state_drift("a.service", states.settled_states("web", ["a.service"])["a.service"], True)) is differences


@pytest.mark.parametrize(("instances", "state"), [([], "inactive"), (["inactive", "active"], "active")])
def test_the_state_of_a_template_is_that_of_an_instance_that_runs(monkeypatch, instances, state):
    def show(argv, **_):
        shown = {"a.service": ["failed"], "t@homelab-none.service": ["inactive"], "t@*.service": instances}
        blocks = [f"LoadState=loaded\nActiveState={state}\n" for name in argv for state in shown.get(name, [])]
        return subprocess.CompletedProcess(argv, 0, "\n".join(blocks), "")

    monkeypatch.setattr(states.system, "run", show)
    shown = states.service_states("system", ["t@.service", "a.service"])
    assert {name: one["ActiveState"] for name, one in shown.items()} == {"t@.service": state, "a.service": "failed"}


def test_what_the_administrator_put_there_for_users_is_no_unit_of_the_system_s(monkeypatch, tmp_path):
    monkeypatch.setattr(quadlet_home, "FOR_USERS", tmp_path / "users")
    for folder in ("users/1000", "other"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "w.container").touch()
    assert quadlet_home.defined_elsewhere(tmp_path / "lab", "w.container") == [tmp_path / "other/w.container"]


@pytest.mark.parametrize("folder", ["gone", "a-file/units"])
def test_a_folder_that_cannot_be_entered_has_no_units(monkeypatch, tmp_path, folder):
    (tmp_path / "a-file").touch()
    monkeypatch.setattr(quadlet_unit, "users", lambda: ["web"])
    monkeypatch.setattr(quadlet_home, "account_of", lambda _: None)
    monkeypatch.setattr(quadlet_home, "folder_of", lambda *_: tmp_path / folder)
    assert (QuadletUnit().found(), QuadletUnit().owned_by("lab")) == ({}, [])


@pytest.fixture
def closed_home(monkeypatch, tmp_path):
    """A home of which one folder is closed to its user."""
    home = tmp_path / "web"
    (home / ".config").mkdir(parents=True)
    monkeypatch.setattr(records, "ROOT", tmp_path / "records")
    for module in (users, quadlet_unit):
        monkeypatch.setattr(module, "folder_of", lambda _, owner: home / ".config/containers/systemd" / owner)
    monkeypatch.setattr(users, "account_of", lambda _: None)
    monkeypatch.setattr(users, "store_of", lambda _: home / ".local/share/containers/storage")
    monkeypatch.setattr(users.os, "access", lambda path, *_, **__: Path(path) != home / ".config")
    return f"user web cannot enter {home}/.config, which should be its own"


def test_units_in_a_home_that_their_user_cannot_enter_are_not_gone(monkeypatch, closed_home):
    monkeypatch.setattr(quadlet_unit, "settled_states", lambda *_: {})
    units = [QuadletUnit().normalise({"user": "web", "name": f"{name}.container", "content": ""}, {}) for name in ("old", "new")]
    records.write("lab", "quadlet-unit", "web/old.container", QuadletUnit().record_of(units[0]))
    old, new = QuadletUnit().observe(units, "lab")
    assert (old.present, old.differences, new.present) == (True, [closed_home], False)


def test_an_edit_is_as_old_as_the_last_of_a_unit_s_files_and_a_removal_as_its_folder(tmp_path):
    unit = {"name": "a.container", "content": "", "files": {"page": "x"}}
    assert quadlet_home.last_edit(tmp_path / "gone", unit) == float("inf")
    for number, name in enumerate(["a.container", "page", "."]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))
    assert quadlet_home.last_edit(tmp_path, unit) == 1
    (tmp_path / "page").unlink()
    os.utime(tmp_path, (5, 5))
    assert quadlet_home.last_edit(tmp_path, unit) == 5


def test_a_service_was_started_as_long_ago_as_the_boot_and_what_systemd_counts_from_it(monkeypatch):
    monkeypatch.setattr(states.time, "time", lambda: 1000.0)
    monkeypatch.setattr(states.time, "monotonic", lambda: 100.0)
    shown = [{"ExecMainStartTimestampMonotonic": "2500000"}, {"ExecMainStartTimestampMonotonic": "0"}, {}]
    assert [states.started(state) for state in shown] == [902.5, 0, 0]


def test_a_mask_is_no_file_that_somebody_has_to_remove():
    masked = {"LoadState": "masked", "FragmentPath": "/home/web/.config/systemd/user/a.service"}
    assert states.overridden("a.service", masked) == ""
    assert state_drift("a.service", masked, True) == ["a.service: systemd reports it as masked, wanted loaded"]
