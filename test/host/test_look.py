"""When one look at the whole host is enough. The observer is the test's."""

import pytest
from homelab.kind import Observation
from writers import ROOT, module

look = module("look")


class Observer:
    """One object, `a`, of ours, which the host holds."""

    kind = "thing"

    def normalise(self, unit, _contents):
        return unit

    def faults(self, unit):
        return ["bad"] if unit.get("bad") else []

    def name_of(self, unit):
        return unit["name"]

    def names_of(self, unit):
        return {unit["name"]}

    def look(self, units, _owner):
        if any(unit.get("breaks") for unit in units):
            raise OSError
        return [Observation(unit["name"], present=unit["name"] == "a", drift=["off"] if unit.get("drifts") else []) for unit in units]

    def owned(self, _owner):
        return ["a"]


@pytest.mark.parametrize(
    ("units", "absent", "report", "settled"),
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
def test_a_kind_is_settled_when_nothing_is_to_do_or_to_tell(units, absent, report, settled):
    params = {"units": {"thing": units}, "absent": {"thing": absent}, "contents": {}, "owner": "lab", "report_undeclared": report}
    assert look.is_settled(Observer(), params) is settled


def test_every_kind_is_looked_at():
    kinds = {path.stem for path in (ROOT / "library").glob("*.py")} - {"look"}
    assert {observer.kind.replace("-", "_") for observer in look.OBSERVERS} == kinds
