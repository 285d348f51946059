"""Whatever a service user does with its home, the others are observed, applied and removed as ever, at bounded cost."""

import json
import pwd
import select
import time
import tracemalloc

import hostile_home
import pytest
from hostile_home import FOLDER, OWNER, TEXT
from machine_mock import HostSession, writer_of

from ansible.module_utils.homelab.apply.converge import clear
from ansible.module_utils.homelab.core import records, system, user_process
from ansible.module_utils.homelab.observe import survey
from ansible.module_utils.homelab.observe.quadlet import home, states, users
from ansible.module_utils.homelab.observe.quadlet import observer as quadlet_unit
from ansible.module_utils.homelab.observe.quadlet.observer import QuadletUnit

UP = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Type": "notify"}
UNITS = [{"user": user, "name": "page.container", "content": TEXT, "restart": "allowed", "on_delete": "keep"} for user in ("bad", "good")]
MEMORY = 32 * 2**20
SECONDS = 10


@pytest.fixture
def homes(monkeypatch, machine):
    """Two homes, whose users' units are applied and run."""
    made = hostile_home.Homes()
    monkeypatch.setattr(pwd, "getpwnam", made.accounts.__getitem__)
    for module in (users, quadlet_unit):
        monkeypatch.setattr(module, "users", lambda: list(made.accounts))
    monkeypatch.setattr(quadlet_unit, "settled_states", lambda user, services: dict.fromkeys(services, UP))
    monkeypatch.setattr(states, "manager_runs", lambda _: True)
    for unit in UNITS:
        records.write(OWNER, "quadlet-unit", QuadletUnit().name_of(unit), QuadletUnit().record_of(unit))
    monkeypatch.setattr(user_process, "SECONDS", SECONDS / 2)
    yield made
    made.close()


@pytest.fixture(params=hostile_home.WAYS, ids=lambda way: way.__name__)
def hostile(request, homes):
    """One of the users is hostile. Looking costs root's process little memory and time."""
    request.param(homes)
    tracemalloc.start()
    begun = time.monotonic()
    yield homes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY
    assert time.monotonic() - begun < SECONDS


def test_the_others_are_in_sync_and_the_hostile_one_is_never_gone(hostile):
    bad, good = QuadletUnit().detect(UNITS, OWNER)
    assert (good.in_sync, good.unknown) == (True, "")
    assert bad.present or bad.unknown.startswith("user bad: ")
    json.dumps([bad.differences, bad.facts, bad.unknown]).encode("ascii")


def test_the_others_are_listed_and_the_hostile_one_stays_owned(hostile):
    listed = {one["name"]: one for one in survey.listing(QuadletUnit())}
    assert listed["good/page.container"] == {"name": "good/page.container", "owner": OWNER, "present": True}
    assert "bad/page.container" in listed
    owned = QuadletUnit().owned(OWNER)
    assert set(owned) >= {"good/page.container", "bad/page.container"}
    # Of files with other names nothing is ever removed.
    assert all(name.isascii() and name.isprintable() for name in owned)


def test_the_others_are_removed(hostile):
    writer = writer_of("quadlet_unit")()
    [bad, good] = clear(writer, ["bad/page.container", "good/page.container"], OWNER, HostSession())
    assert (good["failed"], good["msg"]) == (False, "")
    assert not hostile.path("good", f"{FOLDER}/page.container").exists()
    assert not bad["failed"] or bad["msg"].startswith("user bad: ")


def test_a_manager_that_does_not_answer_costs_no_other_user(monkeypatch, homes):
    def show(user, services):
        if user == "bad":
            raise system.CommandError(["systemctl", "--user", "show"], "no end after 20 s")
        return dict.fromkeys(services, UP)

    monkeypatch.setattr(quadlet_unit, "settled_states", show)
    bad, good = QuadletUnit().detect(UNITS, OWNER)
    assert (good.in_sync, bad.unknown) == (True, "user bad: no end after 20 s: systemctl --user show")


def test_a_home_that_never_answers_is_given_up(monkeypatch, homes):
    monkeypatch.setattr(user_process, "SECONDS", 0.3)
    monkeypatch.setattr(home, "entries_below", lambda folder: select.select([], [], [], 60) if "/bad/" in str(folder) else iter([]))
    bad, good = QuadletUnit().detect(UNITS, OWNER)
    assert (good.in_sync, bad.unknown) == (True, "user bad: no answer within 0.3 s")


def test_what_root_alone_may_read_is_not_read_for_a_user(homes):
    hostile_home.root_s_files(homes)
    [names] = [[unit["name"] for unit in home.units_of("bad", OWNER)]]
    assert "page.container" in names
    assert not any("root:" in unit["content"] for unit in home.units_of("bad", OWNER))
