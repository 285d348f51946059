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
