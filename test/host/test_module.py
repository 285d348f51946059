"""How every kind's module goes about units that leave; a mock stands for the kind."""

from collections.abc import Sequence

import pytest
import writers  # noqa: F401 - it lets Ansible find what the next line names
from machine_mock import HostSession

from ansible.module_utils.homelab.apply.converge import clear, converge
from ansible.module_utils.homelab.apply.module import work
from ansible.module_utils.homelab.apply.writer import Writer
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.core.observer import Observation

GONE = ["vms/lost", "vms/kept"]
ASKED = {
    "owner": "lab",
    "run": {},
    "resources": [],
    "contents": {},
    "secret_values": "",
    "absent": [],
    "remove": [],
    "report_undeclared": True,
    "prune": False,
    "changed_kinds": [],
}


class Volumes(Writer):
    """A kind of which the host has two units."""

    kind = "volume"

    def name_of(self, resource):
        return resource["name"]

    def observe(self, resources: Sequence, owner: str) -> list[Observation]:
        return []

    def found(self):
        return dict.fromkeys(GONE, "lab")

    def apply(self, changes, owner):
        raise AssertionError("nothing is changed in check mode")

    def remove(self, names, owner):
        raise AssertionError("nothing is removed in check mode")


@pytest.fixture(autouse=True)
def applied(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "ROOT", tmp_path)
    records.write("lab", "volume", "vms/lost", {"on_delete": "destroy"})
    records.write("lab", "volume", "vms/kept", {"on_delete": "keep"})


def test_what_leaves_is_told_and_what_takes_its_data_with_it():
    _, told = work(Volumes(), ASKED, None)
    assert sorted(told["undeclared"]) == sorted(GONE)
    assert told["data_loss"] == ["vms/lost"]


def test_its_removal_is_announced_as_a_loss_of_data():
    announced = {one["name"]: one["disruption"] for one in clear(Volumes(), GONE, "lab", None)}
    assert announced == {"vms/lost": "data-loss", "vms/kept": ""}


def test_what_lacks_for_a_unit_that_is_as_wanted_fails_nobody(monkeypatch):
    names = ["as-wanted", "new"]
    monkeypatch.setattr(Volumes, "observe", lambda *_: [Observation("as-wanted", present=True, owner="lab"), Observation("new")])
    monkeypatch.setattr(Volumes, "missing_prerequisites", lambda *_: dict.fromkeys(names, "its pool is not there"))
    records.write("lab", "volume", "as-wanted", {})
    results = converge(Volumes(), [{"name": name} for name in names], "lab", HostSession())
    assert {one["name"]: one["msg"] for one in results} == {"as-wanted": "", "new": "its pool is not there"}


def test_what_an_older_version_did_not_record_had_its_default(monkeypatch):
    monkeypatch.setattr(Volumes, "defaults", {"on_delete": "keep"})
    monkeypatch.setattr(Volumes, "observe", lambda _self, resources, _owner: [Observation(one["name"], present=True) for one in resources])
    records.write("lab", "volume", "vms/kept", {})
    drifts = [Volumes().detect([{"name": "vms/kept", "on_delete": word}], "lab")[0].differences for word in ("keep", "destroy")]
    assert drifts == [[], ["last applied with on_delete keep, wanted destroy"]]


def test_a_check_that_fails_breaks_no_preview_and_is_reported(monkeypatch):
    monkeypatch.setattr(Volumes, "removal_blockers", lambda *_: 1 / 0)
    found = work(Volumes(), ASKED, None)[1]["removal_blockers"]
    assert set(found.values()) == {"it cannot be checked what needs it: ZeroDivisionError: division by zero"}


@pytest.mark.parametrize("owner", ["lab", "garage"])
def test_what_a_recorded_resource_needs_is_not_removed(monkeypatch, owner):
    monkeypatch.setattr(Volumes, "needed_by", lambda _self, name: [(owner, "domain", "web")] if name == "vms/lost" else [])
    monkeypatch.setattr(Volumes, "remove", lambda _self, names, _owner: removed.extend(names) or {})
    removed = []
    reason = f"domain web of owner '{owner}' needs it; remove that first"
    announced = {one["name"]: one["msg"] for one in clear(Volumes(), GONE, "lab", None)}
    # One of the same owner may leave in the same run, before it.
    assert announced == {"vms/lost": "" if owner == "lab" else reason, "vms/kept": ""}
    done = {one["name"]: one["msg"] for one in clear(Volumes(), GONE, "lab", HostSession())}
    assert (done, removed) == ({"vms/lost": reason, "vms/kept": ""}, ["vms/kept"])
    assert records.names("lab", "volume") == ["vms/lost"]


HV, NODE = {"host": "hv", "renamed_from": ""}, {"host": "node1", "renamed_from": ""}


@pytest.fixture
def known_as_hv(monkeypatch):
    """A machine that was applied as host hv, with one resource that is in sync."""
    there = Observation("vms/kept", present=True, owner="lab")
    monkeypatch.setattr(Volumes, "observe", lambda _self, resources, _owner: [there for _ in resources])
    monkeypatch.setattr(Volumes, "errors", lambda *_: [])
    monkeypatch.setattr(Volumes, "remove", lambda *_: {})
    records.write("lab", "volume", "vms/kept", {})
    monkeypatch.setattr(HostSession, "rollback_unconfirmed", lambda _self: None, raising=False)
    return run_as(HV)


def run_as(run, session=True, **more):
    """Apply the resource, or remove `remove`, by a run. Return the messages of what failed."""
    asked = {**ASKED, "run": run, "resources": [] if "remove" in more else [{"name": "vms/kept"}], **more}
    results, _ = work(Volumes(), asked, HostSession() if session else None)
    return [one["msg"] for one in results if one["failed"]]


def test_the_same_machine_under_another_name_is_recognised_before_anything_is_done(known_as_hv):
    assert known_as_hv == []
    for session in (False, True):
        [reason] = run_as(NODE, session=session)
        assert "declare `homelab_renamed_from: hv` in host_vars/node1.yml" in reason
    # What the engine removes under the former name after that is on the same machine.
    [reason] = run_as(HV, remove=["vms/kept"])
    assert reason.startswith("This machine was addressed as host 'node1', too, so it is not gone.")
    assert records.names("lab", "volume") == ["vms/kept", "vms/lost"]
    # It was the wrong machine: its own run goes on, and may remove again.
    assert (run_as(HV), run_as(HV, remove=["vms/lost"])) == ([], [])


def test_a_declared_rename_goes_on_under_the_new_name(known_as_hv):
    assert run_as({**NODE, "renamed_from": "hv"}) == []
    assert (run_as(NODE), len(run_as(HV))) == ([], 1)


def test_a_name_is_forgotten_with_the_last_resource(known_as_hv):
    assert run_as(HV, remove=["vms/kept", "vms/lost"]) == []
    assert list(records.ROOT.rglob("*.json")) == []


def test_a_preview_claims_no_machine(known_as_hv):
    run_as(NODE, session=False)
    assert run_as(HV, remove=["vms/kept"]) == []


def test_what_was_tried_is_what_the_host_was_changed_for_however_that_ended(monkeypatch):
    found = [Observation("as-wanted", present=True, owner="lab"), Observation("rejected"), Observation("failed")]
    monkeypatch.setattr(Volumes, "observe", lambda _self, resources, _owner: [one for one in found if {"name": one.name} in resources])
    monkeypatch.setattr(Volumes, "rejections", lambda *_: {"rejected": "no"})
    monkeypatch.setattr(Volumes, "apply", lambda *_: {"failed": "no space"})
    records.write("lab", "volume", "as-wanted", {})
    resources = [{"name": one.name} for one in found]
    assert [one["name"] for one in converge(Volumes(), resources, "lab", HostSession()) if one["tried"]] == ["failed"]
    assert [one["name"] for one in converge(Volumes(), resources, "lab", None) if one["tried"]] == []


def test_a_removal_that_is_blocked_was_not_tried(monkeypatch):
    monkeypatch.setattr(Volumes, "needed_by", lambda _self, name: [("lab", "domain", "vm")] if name == "vms/kept" else [])
    monkeypatch.setattr(Volumes, "remove", lambda _self, names, _owner: dict.fromkeys(names, "it is busy"))
    assert [one["name"] for one in clear(Volumes(), [*GONE, "vms/never"], "lab", HostSession()) if one["tried"]] == ["vms/lost"]
