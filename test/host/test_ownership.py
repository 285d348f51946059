"""An object of another owner is taken over with that owner's name alone. The same for every kind."""

import pytest
from machine_mock import HostSession
from test_module import Volumes

from ansible.module_utils.homelab.apply.converge import converge
from ansible.module_utils.homelab.apply.quadlet import files
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.core.observer import Observation


@pytest.mark.parametrize("carries", [True, False])
@pytest.mark.parametrize(
    ("consent", "of", "reason"),
    [
        ({}, None, "it exists and is not managed by homelab. Set `adopt: true` to take it over"),
        ({"adopt": True}, None, ""),
        ({"adopt_from": "garage"}, None, "it exists and is not managed by homelab. Set `adopt: true`"),
        ({}, "garage", "it exists and is owned by 'garage'. Set `adopt_from: garage` to take it over"),
        ({"adopt": True}, "garage", "it exists and is owned by 'garage'. Set `adopt_from: garage`"),
        ({"adopt_from": "other"}, "garage", "it exists and is owned by 'garage'. Set `adopt_from: garage`"),
        ({"adopt_from": "garage"}, "garage", ""),
    ],
)
def test_what_is_not_ours_needs_the_consent_that_fits(monkeypatch, tmp_path, consent, of, reason, carries):  # noqa: PLR0917
    monkeypatch.setattr(records, "ROOT", tmp_path)
    if of:
        records.write(of, "volume", "one", {})
    # Of some kinds the owner is in the record alone.
    seen = Observation("one", present=True, owner=of if carries else None, differences=["off"])
    monkeypatch.setattr(Volumes, "observe", lambda *_: [seen])
    monkeypatch.setattr(Volumes, "carries_owner", carries)
    monkeypatch.setattr(Volumes, "apply", lambda *_: seen.differences.clear() or {})
    for session in (None, HostSession()):
        [result] = converge(Volumes(), [{"name": "one", **consent}], "lab", session)
        assert (result["failed"], result["msg"].startswith(reason or "")) == (reason != "", True)
    assert records.names("garage", "volume") == (["one"] if of and reason else [])


@pytest.mark.parametrize(
    ("consent", "left"),
    [
        ({}, ["garage/a.container", "a.container"]),
        ({"adopt": True}, ["garage/a.container"]),
        ({"adopt_from": "garage"}, ["a.container"]),
        ({"adopt_from": "other", "adopt": True}, ["garage/a.container"]),
    ],
)
def test_only_the_definitions_that_are_taken_over_go(tmp_path, consent, left):
    for path in ("garage/a.container", "a.container"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    change = Change({"name": "a.container", "content": "new", **consent}, Observation("web/a.container"), {})
    files.write(tmp_path / "lab", change, {})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.container")) == sorted([*left, "lab/a.container"])
