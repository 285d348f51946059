"""The observers' package lies where Ansible looks for it; and a host that is mocked."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ansible" / "module_utils"))


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A mocked host (machine_mock.py), whose records are empty."""
    from machine_mock import Machine, records, system  # noqa: PLC0415 - it lets Ansible find what it names

    mocked = Machine()
    monkeypatch.setattr(records, "ROOT", tmp_path / "records")
    monkeypatch.setattr(system, "run", mocked.run)
    monkeypatch.setattr(system, "installed", lambda _program: True)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return mocked
