"""When one look at the whole host is enough. The observer is the test's."""

import pytest
from writers import ROOT

from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe import detection
from ansible.module_utils.homelab.observe.kinds import OBSERVERS


class Observer:
    """One object, `a`, of ours, which the host holds."""

    kind = "thing"

    def normalise(self, resource, _contents):
        return resource

    def errors(self, resource):
        return ["bad"] if resource.get("bad") else []

    def name_of(self, resource):
        return resource["name"]

    def names_of(self, resource):
        return {resource["name"]}

    def detect(self, resources, _owner):
        if any(resource.get("breaks") for resource in resources):
            raise OSError
        return [
            Observation(resource["name"], present=resource["name"] == "a", differences=["off"] if resource.get("drifts") else [])
            for resource in resources
        ]

    def owned(self, _owner):
        return ["a"]


@pytest.mark.parametrize(
    ("resources", "absent", "report", "settled"),
    [
        ([{"name": "a"}], [], True, True),
        ([{"name": "a"}], ["b"], True, True),
        ([{"name": "a"}], ["a"], True, True),
        ([], [], False, True),
        # Undeclared, which is told; on its way out; missing; different; malformed; not to be read.
        ([], [], True, False),
        ([], ["a"], False, False),
        ([{"name": "a"}, {"name": "b"}], [], True, False),
        ([{"name": "a", "drifts": True}], [], True, False),
        ([{"name": "a", "bad": True}], [], True, False),
        ([{"name": "a", "breaks": True}], [], True, False),
        ([{}], [], True, False),
    ],
)
def test_a_kind_is_settled_when_nothing_is_to_do_or_to_tell(resources, absent, report, settled):
    params = {"resources": {"thing": resources}, "absent": {"thing": absent}, "contents": {}, "owner": "lab", "report_undeclared": report}
    assert detection.is_in_sync(Observer(), params) is settled


def test_every_kind_is_looked_at():
    kinds = {path.stem for path in (ROOT / "library").glob("*.py")} - {"detect_changes", "history"}
    assert {observer.kind.replace("-", "_") for observer in OBSERVERS} == kinds


class Many(Observer):
    """As many objects of ours as it is told."""

    def __init__(self, count):
        self.count = count

    def owned(self, _owner):
        return [str(number) for number in range(self.count)]


@pytest.mark.parametrize(
    ("has", "declared", "prune", "is_stopped"),
    [
        (10, 4, "unconfirmed", True),
        (10, 5, "unconfirmed", False),
        (10, 4, "confirmed", False),
        (10, 4, "none", False),
        (3, 0, "unconfirmed", False),
        (4, 0, "unconfirmed", True),
    ],
)
def test_a_removal_of_more_than_half_needs_a_word_of_its_own(monkeypatch, has, declared, prune, is_stopped):
    monkeypatch.setattr(detection, "OBSERVERS", [Many(has)])
    monkeypatch.setattr(detection, "_warnings", lambda _: {})
    monkeypatch.setattr(detection, "_facts", lambda _: {})
    monkeypatch.setattr(detection, "renamed_in", lambda _: [])
    resources = {"thing": [{"name": str(number)} for number in range(declared)]}
    params = {"resources": resources, "absent": {}, "contents": {}, "owner": "lab", "run": {"id": "x"}, "report_undeclared": True}
    found = detection.detect({**params, "prune": prune})["mass_removal"]
    assert found.startswith(f"This run would remove {has - declared} of the {has} resources") if is_stopped else found == ""
