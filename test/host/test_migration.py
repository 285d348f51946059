"""The move of version 0.1.0's rollback: complete, and at every point of an apply that is killed a boot can still roll back."""

import os
from pathlib import Path

import pytest
import writers  # noqa: F401 - it lets Ansible find the project's module_utils

from ansible.module_utils.homelab.apply import migration
from ansible.module_utils.homelab.core.rollback import store
from ansible.module_utils.homelab.observe import base_files as host

OWNED = "# homelab: owner=lab kind=host name=host\n"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def old_host(monkeypatch, tmp_path):
    """A host as 0.1.0 left it, with an unconfirmed change. systemctl is mocked: `enabled` has its services."""
    for name in ("PROGRAM", "LIBRARY", "FOLDER", "FORMER_PROGRAM", "FORMER_FOLDER"):
        monkeypatch.setattr(store, name, f"{tmp_path}{getattr(store, name)}")
    monkeypatch.setattr(host, "UNITS", tmp_path / "etc/systemd/system")
    for path, text in {store.FORMER_PROGRAM: OWNED, f"{store.FORMER_FOLDER}/snapshot.json": "{}"}.items():
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text(text)
    host.UNITS.mkdir(parents=True)
    (host.UNITS / store.FORMER_SERVICE).write_text(OWNED)
    enabled = {store.FORMER_SERVICE}
    left = {"steps": 10**6}

    def step():
        left["steps"] -= 1
        if left["steps"] < 0:
            raise Killed

    def systemctl(argv, **_):
        step()
        if argv[1] in ("enable", "disable"):
            enabled.symmetric_difference_update({argv[-1]} if (argv[1] == "enable") != (argv[-1] in enabled) else set())

    def stepping(real, **more):
        def call(*args, **given):
            step()
            return real(*args, **{**given, **more})

        return call

    monkeypatch.setattr(migration.system, "run", systemctl)
    monkeypatch.setattr(migration.system, "write_text", stepping(migration.system.write_text, uid=-1, gid=-1))
    monkeypatch.setattr(migration.system, "make_folder", lambda path: Path(path).mkdir(parents=True, exist_ok=True))
    monkeypatch.setattr(migration.system, "remove_file", stepping(migration.system.remove_file))
    monkeypatch.setattr(os, "rename", stepping(os.rename))
    return enabled, left


def can_roll_back(enabled):
    """Whether a boot finds the snapshot with a service and a program that read it."""
    if os.path.exists(f"{store.FOLDER}/snapshot.json"):
        return store.SERVICE in enabled and os.path.exists(store.PROGRAM)
    return store.FORMER_SERVICE in enabled and os.path.exists(store.FORMER_PROGRAM)


def expect_moved(enabled):
    assert enabled == {store.SERVICE}
    assert can_roll_back(enabled)
    assert not os.path.exists(store.FORMER_PROGRAM)
    assert not os.path.exists(store.FORMER_FOLDER)
    assert not (host.UNITS / store.FORMER_SERVICE).exists()


def test_it_is_moved_once(old_host):
    enabled, _ = old_host
    assert migration.migrate() is True
    expect_moved(enabled)
    assert migration.migrate() is False


@pytest.mark.parametrize("steps", range(15))
def test_a_killed_move_can_still_roll_back_and_is_completed_by_the_next_apply(old_host, steps):
    enabled, left = old_host
    left["steps"] = steps
    with pytest.raises(Killed):
        migration.migrate()
    assert can_roll_back(enabled)
    left["steps"] = 10**6
    migration.migrate()
    expect_moved(enabled)


def test_a_rollback_of_somebody_else_stays(old_host):
    Path(store.FORMER_PROGRAM).write_text("print('mine')\n")
    assert migration.migrate() is False
    assert os.path.exists(store.FORMER_PROGRAM)
