"""A protected resource is neither removed nor replaced until that is taken back. The same for every kind."""

import pytest
from machine_mock import HostSession

from ansible.module_utils.homelab.apply.converge import clear, converge
from ansible.module_utils.homelab.apply.writer import Writer
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.core.observer import Observation


class Widgets(Writer):
    """A kind with one widget, whose size is what it was applied with; another size replaces it."""

    kind = "volume"
    size = 1

    def observe(self, resources, owner):
        return [
            Observation("one", present=True, owner=owner, differences=[] if one["size"] == Widgets.size else [f"size is {Widgets.size}"])
            for one in resources
        ]

    def found(self):
        return {"one": "lab"}

    def disruption(self, change):
        return "replace" if change.resource["size"] != Widgets.size else "live"

    def apply(self, changes, owner):
        Widgets.size = changes[0].resource["size"]
        return {}

    def remove(self, names, owner):
        Widgets.size = 0
        return {}


@pytest.fixture(autouse=True)
def applied(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "ROOT", tmp_path)
    monkeypatch.setattr(Widgets, "size", 1)
    records.write("lab", "volume", "one", {})


def apply(session=True, **resource):
    [result] = converge(Widgets(), [{"name": "one", "size": 1, **resource}], "lab", HostSession() if session else None)
    return result


def test_protection_is_applied_like_any_property_and_changes_nothing_else():
    assert (apply(session=False, protect=True)["changed"], apply(protect=True)["changed"], apply(protect=True)["changed"]) == (
        True,
        True,
        False,
    )
    assert (records.read("lab", "volume", "one"), Widgets.size) == ({"protect": True}, 1)


@pytest.mark.parametrize("session", [None, HostSession()])
def test_a_protected_resource_is_not_removed_until_that_is_taken_back(session):
    apply(protect=True)
    [result] = clear(Widgets(), ["one"], "lab", session)
    assert (result["failed"], result["msg"].startswith("it is protected; "), Widgets.size) == (True, True, 1)
    apply()
    [result] = clear(Widgets(), ["one"], "lab", HostSession())
    assert (result["failed"], Widgets.size) == (False, 0)


@pytest.mark.parametrize("session", [False, True])
def test_a_protected_resource_is_not_replaced_until_that_is_taken_back(session):
    apply(protect=True)
    result = apply(session, protect=True, size=2)
    assert (result["failed"], Widgets.size) == (True, 1)
    assert result["msg"] == "it is protected, and this change means replace for it; remove `protect: true` to allow that"
    assert (apply(size=2)["failed"], Widgets.size) == (False, 2)
