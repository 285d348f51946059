"""The observers' package lies where Ansible looks for it; a host that is mocked; and no test asks anybody but this machine."""

import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ansible" / "module_utils"))


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A mocked host (machine_mock.py), whose records are empty."""
    from machine_mock import Machine, records, system  # noqa: PLC0415 - it lets Ansible find what it names

    from ansible.module_utils.homelab import way_back  # noqa: PLC0415

    mocked = Machine()
    monkeypatch.setattr(records, "ROOT", tmp_path / "records")
    monkeypatch.setattr(way_back, "PROGRAM", str(tmp_path / "way-back"))
    (tmp_path / "way-back").touch()
    monkeypatch.setattr(system, "run", mocked.run)
    monkeypatch.setattr(system, "installed", lambda _program: True)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return mocked


@pytest.fixture(autouse=True)
def nobody_else_is_asked(monkeypatch):
    asked = []
    real = socket.getaddrinfo

    def getaddrinfo(host, *more, **named):
        if host in ("127.0.0.1", "localhost"):
            return real(host, *more, **named)
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "tests ask nobody else")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    assert asked == []
