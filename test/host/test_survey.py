"""What is on a host, whoever made it."""

from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.core.observer import Observer
from ansible.module_utils.homelab.observe import survey


class Fake(Observer):
    kind = "fake"

    def __init__(self, found):
        self._found = found

    def name_of(self, resource):
        return resource["name"]

    def observe(self, resources, owner):
        return []

    def found(self):
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def test_marks_and_records_together_say_whose_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "ROOT", tmp_path)
    records.write("lab", "fake", "unmarked", {})
    records.write("lab", "fake", "gone", {})
    assert survey.listing(Fake({"theirs": None, "marked": "garage", "unmarked": None})) == [
        {"name": "marked", "owner": "garage", "present": True},
        {"name": "theirs", "owner": None, "present": True},
        {"name": "unmarked", "owner": "lab", "present": True},
        {"name": "gone", "owner": "lab", "present": False},
    ]


def test_a_kind_that_cannot_be_read_is_not_empty():
    assert survey.listing(Fake(OSError("no"))) == {"error": "OSError: no"}


def test_a_user_who_cannot_be_read_is_listed_as_such_beside_the_others():
    kind = Fake({"web/a": None})
    kind.unread = {"bad": "user bad: no answer within 30 s"}
    assert survey.listing(kind) == [
        {"name": "web/a", "owner": None, "present": True},
        {"name": "bad/*", "error": "user bad: no answer within 30 s"},
    ]
