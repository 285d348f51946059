"""What has to work beside a new login before a change of network or rules is kept."""

import socket
import subprocess
from types import SimpleNamespace

import pytest

from ansible.module_utils.homelab.core.rollback import checks, program, restore, state, store
from ansible.module_utils.homelab.observe import base_files


@pytest.fixture
def host(monkeypatch, tmp_path):
    """A host with a rollback whose state is empty; its files lie in a temporary folder."""
    monkeypatch.setattr(store, "FOLDER", str(tmp_path))
    monkeypatch.setattr(store, "RUN", str(tmp_path / "run"))
    for name in ("SNAPSHOT", "OUTCOME", "CHECKS"):
        monkeypatch.setattr(store, name, str(tmp_path / name))
    for name in ("COPY", "OUTCOME_COPY", "CONFIRMED", "APPLYING"):
        monkeypatch.setattr(store, name, str(tmp_path / "run" / name))
    answers = {"python3": "\n", "systemctl is-enabled": "enabled\n", "systemctl is-active": "active\n"}
    monkeypatch.setattr(store, "run", lambda *argv, **_: answers.get(argv[0], answers.get(" ".join(argv[:2]), "")))
    empty = {"tables": {}, "links": {}, "files": {}, "ours": [], "forwarding": "0", "parameters": {}, "routes": [], "kinds": []}
    monkeypatch.setattr(state, "current", lambda *_: dict(empty))
    monkeypatch.setattr(program, "subprocess", SimpleNamespace(run=lambda *_, **__: SimpleNamespace(returncode=0)))
    monkeypatch.setattr(restore, "restored", lambda _: restore.Steps())
    monkeypatch.setattr(checks, "PATIENCE_SECONDS", 0.1)
    return tmp_path


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def declare(*wanted):
    for path, text in base_files.checks_file(wanted, "lab").items():
        path.write_text(text)


def test_a_change_is_kept_while_what_worked_before_still_works(host, server):
    declare(f"tcp 127.0.0.1:{server.getsockname()[1]}", "resolve localhost", "tcp 127.0.0.1:1")
    assert program.arm("mine", 60, []) == ""
    # Nothing listened on port 1 before either.
    assert program.confirm("mine") == ""
    assert store.snapshot() is None


def test_a_change_that_breaks_what_worked_before_is_not_confirmed_though_a_login_works(host, server):
    check = f"tcp 127.0.0.1:{server.getsockname()[1]}"
    declare(check)
    assert program.arm("mine", 60, []) == ""
    server.close()
    assert program.main(["rollback", "confirm", "mine"]) == 3
    assert program.confirm("mine") == f"it worked before the change, and fails now: {check}"
    assert store.snapshot() is not None


def test_a_check_that_never_ends_fails(monkeypatch):
    monkeypatch.setattr(checks, "TRY_SECONDS", 0.2)
    monkeypatch.setattr(checks, "_command", lambda _: ["sleep", "60"])
    assert checks.failing(["resolve slow.example"]) == ["resolve slow.example"]


@pytest.mark.parametrize(
    ("check", "argv"),
    [
        ("ping fe80::1", ["ping", "-n", "-q", "-c", "1", "-W", "3", "fe80::1"]),
        ("resolve deb.debian.org", ["getent", "ahosts", "deb.debian.org"]),
    ],
)
def test_a_check_is_a_command_of_its_own(monkeypatch, check, argv):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda given, **_: ran.append(given) or SimpleNamespace(returncode=0))
    assert (checks.failing([check]), ran) == ([], [argv])


def test_an_ipv6_address_and_its_port(monkeypatch):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda given, **_: ran.append(given[-2:]) or SimpleNamespace(returncode=0))
    checks.failing(["tcp [2001:db8::1]:22"])
    assert ran == [["2001:db8::1", "22"]]
