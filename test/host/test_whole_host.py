"""The observers that read a host as a whole take their questions as they are: they have no schema."""

import importlib

import pytest
from writers import PACKAGE


@pytest.mark.parametrize("name", ["doctor", "history", "survey"])
def test_a_question_reaches_the_observer_as_it_is(name):
    observer = importlib.import_module(f"{PACKAGE}.observe.{name}").observer
    assert observer.normalise({"pools": []}, {}) == {"pools": []}
