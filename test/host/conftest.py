"""A host that is mocked; no test asks anybody but this machine, and none writes outside its temporary folder."""

import os
import socket
import sys
import tempfile

import pytest
import writers  # noqa: F401 - it lets Ansible find the project's module_utils

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audit events of os, shutil and open, with the positions of the paths that they change (docs.python.org, audit events table).
PATHS = {"os.mkdir": [0], "os.remove": [0], "os.rmdir": [0], "os.rename": [0, 1], "os.link": [1], "os.symlink": [1], "os.truncate": [0]}
PATHS |= {"os.chmod": [0], "os.chown": [0], "os.utime": [0], "os.setxattr": [0], "os.removexattr": [0], "shutil.rmtree": [0]}
ALLOWED = [os.path.realpath(tempfile.gettempdir()), "/dev/null", "/dev/tty"]
_guard = {"on": False, "written": []}


def _written(event, args):
    """The paths that an audit event changes."""
    if event == "open":
        path, mode, flags = args
        writes = (isinstance(flags, int) and flags & WRITING) or (isinstance(mode, str) and set(mode) & set("wax+"))
        return [path] if writes else []
    return [args[index] for index in PATHS.get(event, [])]


def _is_allowed(path):
    if not isinstance(path, (str, bytes, os.PathLike)):
        return True
    text = os.path.abspath(os.fsdecode(path))
    # Relative to an open folder, or Python's own cache of what it compiles.
    return (
        not os.path.isabs(os.fsdecode(path)) or "__pycache__" in text or any(text == one or text.startswith(f"{one}/") for one in ALLOWED)
    )


def _audit(event, args):
    if _guard["on"]:
        bad = [path for path in _written(event, args) if not _is_allowed(path)]
        if bad:
            _guard["written"] += bad
            raise AssertionError(f"a test would write outside its temporary folder: {event} {bad[0]!r}")


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def nothing_is_written_elsewhere(monkeypatch, tmp_path):
    """A write outside the temporary folder fails the test, also where the code under test catches the error."""
    from ansible.module_utils.homelab.core import system  # noqa: PLC0415 - after Ansible finds it

    monkeypatch.setattr(system, "SCRATCH", str(tmp_path))
    _guard.update(on=True, written=[])
    yield
    _guard["on"] = False
    assert _guard["written"] == []


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A mocked host (machine_mock.py), whose records are empty."""
    from machine_mock import Machine, records, system  # noqa: PLC0415 - after Ansible finds it

    from ansible.module_utils.homelab.core.rollback import store  # noqa: PLC0415

    mocked = Machine()
    monkeypatch.setattr(records, "ROOT", tmp_path / "records")
    monkeypatch.setattr(store, "PROGRAM", str(tmp_path / "rollback"))
    (tmp_path / "rollback").touch()
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
