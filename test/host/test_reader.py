"""The login that can only look: what it runs, and what it does not take."""

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from ansible.module_utils.homelab.apply import reader as writer
from ansible.module_utils.homelab.observe import host, reader

KEY = f"ssh-ed25519 {'A' * 68} ci@example"
SYSCTL = {"name": "looked", "settings": {"vm.swappiness": "60"}}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program and its observers as the base installs them, in another folder."""
    folder = tmp_path_factory.mktemp("reader")
    for path, file in reader.files_of([{"key": KEY, "guests": []}], "lab").items():
        copy = folder / str(path).lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        is_program = path == reader.PROGRAM
        copy.write_text(file.text.replace('"/etc/homelab/lib"', f'"{folder}/etc/homelab/lib"') if is_program else file.text)
    return folder / "etc/homelab/read"


def ask(program, request, *words):
    text = request if isinstance(request, str) else json.dumps(request)
    return subprocess.run([sys.executable, "-I", str(program), *words], input=text, capture_output=True, text=True, check=False, cwd="/")


def group(**more):
    return {"groups": [{"kind": "sysctl", "owner": "lab", "resources": [SYSCTL], **more}]}


def test_it_answers_as_a_refresh_does_with_the_observers_that_lie_there(program):
    done = ask(program, group())
    assert (done.returncode, done.stderr) == (0, "")
    [answer] = json.loads(done.stdout.splitlines()[-1])
    assert [(one["name"], one["present"]) for one in answer["observations"]] == [("looked", False)]
    assert not list(program.parent.rglob("__pycache__"))


def test_it_wants_the_same_files_as_an_apply_though_its_own_sources_are_marked(program):
    """The base's files are the observers' and the rollback's sources; here they are read of the marked copies."""
    asked = """
import json, sys
sys.path.insert(0, sys.argv[1])
from homelab_observers.observe import host
base = {"readers": [{"key": sys.argv[2], "guests": []}]}
files = {**host.files_of(host.observer.normalise(base, {}), "lab"), **host.reader.files_of(base["readers"], "lab")}
print(json.dumps({str(path): str(text) for path, text in files.items()}))
"""
    argv = [sys.executable, "-I", "-c", asked, str(program.parent / "lib"), KEY]
    there = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/").stdout)
    base = {"readers": [{"key": KEY, "guests": []}]}
    here = {**host.files_of(host.observer.normalise(base, {}), "lab"), **reader.files_of(base["readers"], "lab")}
    assert there == {str(path): str(text) for path, text in here.items()}


def test_the_observers_are_those_of_a_refresh_and_nothing_that_changes_a_host():
    modules = set(reader.sources())
    assert "observe/reading.py" in modules
    assert not any(path.startswith(("apply/", "library/")) for path in modules)


@pytest.mark.parametrize(
    "request_",
    [
        "",
        "import os",
        "[]",
        "{}",
        '{"groups": 1}',
        '{"groups": [1]}',
        '{"groups": [{}]}',
        "[" * 100_000,
        group(kind="os"),
        group(kind="../../tmp/x"),
        group(kind="reading"),
        group(kind=["sysctl"]),
        group(owner="../../etc"),
        group(owner=""),
        group(owner="users"),
        group(owner=None),
        group(resources="x"),
        group(resources=["x"]),
        group(resources=[{**SYSCTL, "name": "../../../etc/shadow"}]),
        group(resources=[{**SYSCTL, "settings": {"../../../etc/shadow": "1"}}]),
        group(resources=[{**SYSCTL, "more": 1}]),
        group(kind="nftables-table", resources=[{"family": "inet", "name": "a", "content": 'include "/etc/shadow"'}]),
        group(kind="nftables-table", resources=[{"family": "inet", "name": "a; x", "content": "chain c { }"}]),
        group(kind="domain", resources=[{"name": "a", "xml": "<domain><devices><emulator>/tmp/x</emulator></devices></domain>"}]),
        group(kind="volume", resources=[{"pool": "vms", "name": "../../etc/shadow", "size": "1 GiB"}]),
        group(kind="quadlet-unit", resources=[{"user": "web", "name": "../../.ssh/id_ed25519", "content": ""}]),
        group(kind="quadlet-unit", resources=[{"user": "web", "name": "a.container", "content": "", "files": {"../../x": ""}}]),
        group(kind="service-user", resources=[{"name": "-x", "uid": 0}]),
        group(kind="doctor", resources=[{"packages": {"packages": ["--admindir=/tmp"]}, "homes": [], "pools": []}]),
        group(kind="doctor", resources=[{"packages": {}, "homes": ["x"], "pools": []}]),
        group(kind="doctor", resources=[{}]),
        group(kind="history", resources=[{"since": "\0"}]),
        group(kind="history", resources=[{"since": 1}]),
        group(kind="history", resources=[{"since": "", "more": "--file=/etc/shadow"}]),
        group(kind="survey", resources=[{"name": "x"}]),
    ],
)
def test_a_request_that_is_more_than_a_look_is_not_begun(program, request_):
    done = ask(program, request_)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_its_keys_run_that_one_program_and_forward_to_the_named_guests_alone():
    guests = ["10.0.0.2:22", "10.0.0.3:22"]
    files = reader.files_of([{"key": KEY, "guests": []}, {"key": KEY, "guests": guests}], "lab")
    plain, forwarding = files[reader.KEYS].text.splitlines()[1:]
    assert plain == f'restrict,command="sudo -n /etc/homelab/read" {KEY}'
    assert forwarding == (
        'restrict,command="sudo -n /etc/homelab/read",port-forwarding,permitlisten="127.0.0.1:1",'
        f'permitopen="10.0.0.2:22",permitopen="10.0.0.3:22" {KEY}'
    )
    assert files[reader.SUDOERS] == ("# homelab: owner=lab kind=host name=host\n" + reader.RULE, 0o440)
    # Without arguments: with any, sudo does not run it.
    assert reader.RULE.rstrip().endswith('/etc/homelab/read ""')


def test_without_readers_there_is_nothing_and_what_is_left_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(reader, "SUDOERS", tmp_path / "rule")
    accounts = {}
    monkeypatch.setattr(reader, "find", accounts.get)
    assert (reader.files_of([], "lab"), reader.differences([], "lab")) == ({}, [])
    (tmp_path / "rule").touch()
    accounts[reader.ACCOUNT] = SimpleNamespace(pw_uid=990)
    assert reader.differences([], "lab") == [f"{tmp_path}/rule is there, but not wanted", "account homelab-reader is there, but not wanted"]


def test_a_login_that_is_open_ends_before_its_account_is_removed(monkeypatch, machine, tmp_path):
    """A process of the account; its row of /proc is a copy, since tests may not run as another user."""
    for name in ("SUDOERS", "KEYS", "PROGRAM", "LIBRARY", "HOME"):
        monkeypatch.setattr(writer, name, tmp_path / "reader" / name)
    accounts = {writer.ACCOUNT: SimpleNamespace(pw_uid=4242)}
    monkeypatch.setattr(writer, "find", accounts.get)
    login = subprocess.Popen(["sleep", "600"])
    other = subprocess.Popen(["sleep", "600"])
    row = tmp_path / "proc" / str(login.pid) / "status"
    for process, uid in ((login, 4242), (other, 42424)):
        (tmp_path / "proc" / str(process.pid)).mkdir(parents=True)
        (tmp_path / "proc" / str(process.pid) / "status").write_text(f"Name:\tsh\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    monkeypatch.setattr(writer, "PROC", tmp_path / "proc")
    # Popen.wait() sleeps, too.
    sleep = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _seconds: login.wait(5) and row.unlink(missing_ok=True))
    monkeypatch.setattr(writer, "time", sleep)
    machine.programs["userdel"] = lambda *_: accounts.clear() if login.poll() is not None else None
    try:
        writer.forget()
        assert (machine.ran("userdel"), accounts, other.poll()) == ([[writer.ACCOUNT]], {}, None)
    finally:
        for process in (login, other):
            process.kill()
            process.wait()


def test_of_a_process_the_real_and_the_effective_user_are_asked():
    assert os.getpid() in writer._processes(os.getuid())
