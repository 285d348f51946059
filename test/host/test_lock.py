"""One apply at a time: who may take a host, and what ends a hold."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible.module_utils.homelab.apply import lock

# A run's id ends with its process and when that began.
ME = {"id": "boot/ns/100-50", "who": "olga@desk, pulumi (process 100)", "alive": ["boot/ns/100-50", "boot/ns/200-7"]}


def lease(**changes):
    return {"id": "boot/ns/200-7", "who": "udo@desk, ansible-playbook (process 200)", "since": 0.0, "until": 1000.0, **changes}


@pytest.mark.parametrize(
    ("found", "free"),
    [
        (None, True),
        (lease(), False),
        (lease(id=ME["id"]), True),
        (lease(until=500.0), True),
        # A process of this controller that has ended, or whose number another one has now.
        (lease(id="boot/ns/300-2"), True),
        (lease(id="boot/ns/200-8"), True),
        # One that began later is in no list of ours.
        (lease(id="boot/ns/300-60"), False),
        # What another controller, another boot or another container runs cannot be known here.
        (lease(id="other/ns/300-2"), False),
        (lease(id="boot/container/300-2"), False),
    ],
)
def test_a_host_is_free_when_nobody_else_can_have_it(found, free):
    assert lock.is_free(found, ME, now=500.0) is free


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(lock, "LEASE", tmp_path / "lock")
    monkeypatch.setattr(lock, "APPLYING", tmp_path / "applying")
    monkeypatch.setattr(lock, "_held", [])
    write = lock.system.write_text
    monkeypatch.setattr(lock.system, "write_text", lambda *args, **more: write(*args, **more, uid=os.getuid(), gid=os.getgid()))
    return tmp_path


def test_the_second_is_told_who_is_first(folder):
    lock.acquire(ME, wait=0)
    other = {"id": "other/ns/1-1", "who": "udo", "alive": []}
    os.close(lock._held.pop())
    with pytest.raises(
        lock.Locked,
        match=r"^The host is locked by another apply \(olga@desk, pulumi \(process 100\), since .* UTC\)\. Nothing was changed\. "
        r"Run again when it has finished, or 15 minutes after its last step at the latest$",
    ):
        lock.acquire(other, wait=0)


def test_what_a_dead_controller_left_running_is_waited_for(folder):
    script = f"import fcntl,sys; f=open({str(folder / 'applying')!r},'w'); fcntl.flock(f,2); print('held',flush=True); sys.stdin.read()"
    left = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    left.stdout.readline()
    with pytest.raises(lock.Locked, match=rf"process {left.pid} on this host hangs, end that there: sudo kill {left.pid}$"):
        lock.acquire(ME, wait=0)
    left.communicate()
    lock.acquire(ME, wait=5)
    assert lock.read()["who"] == ME["who"]


RELEASE = yaml.safe_load((Path(__file__).parents[2] / "ansible/roles/request/vars/main.yml").read_text())["request_release"]


@pytest.mark.parametrize(("run", "stays"), [("boot/ns/100-50", False), ("boot/ns/100-5", True), ("boot.ns.100-50", True), ("", True)])
@pytest.mark.parametrize("is_held", [False, True])
def test_only_the_lease_of_the_very_run_is_released_and_not_under_a_module_that_goes_on(folder, run, stays, is_held):
    (folder / "lock").write_text(json.dumps(lease(id="boot/ns/100-50")))
    program = RELEASE.replace("/run/homelab", str(folder))
    with open(folder / "applying", "w", encoding="ascii") as held:
        if is_held:
            fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run([sys.executable, "-I", "-c", program, run], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "lock").exists() is (stays or is_held)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"no": "id"}', None])
def test_a_lease_that_is_damaged_or_gone_fails_no_release(folder, text):
    if text is not None:
        (folder / "lock").write_text(text)
        (folder / "applying").touch()
    program = RELEASE.replace("/run/homelab", str(folder))
    assert subprocess.run([sys.executable, "-I", "-c", program, "x"], capture_output=True, check=False).returncode == 0
