"""Which process stands for a run of Ansible, so that two runs are two."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / "ansible/lookup_plugins/homelab_run.py"
spec = importlib.util.spec_from_file_location("homelab_run", FILE)
lookup = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lookup)


@pytest.mark.parametrize(
    ("words", "is_run"),
    [
        (["/usr/bin/python3", "/usr/bin/ansible-playbook", "site.yml"], True),
        (["python3", "-sP", "/home/me/.venv/bin/ansible-playbook"], True),
        (["ansible-playbook"], True),
        (["/usr/bin/python3.13", "/usr/bin/ansible", "all", "-m", "ping"], True),
        # What starts several runs, or none.
        (["/bin/bash", "ansible-all.sh"], False),
        (["xargs", "ansible-playbook"], False),
        (["vim", "ansible.cfg"], False),
        (["python3", "ansible_report.py"], False),
        (["python3"], False),
        ([""], False),
    ],
)
def test_only_ansibles_own_programs_are_runs(words, is_run):
    assert lookup.is_ansible(words) is is_run


def test_an_id_says_when_its_process_began_and_whose_it_is():
    *_controller, user, process = lookup.id_of(os.getpid()).split("/")
    assert (user, process.split("-")[0]) == (str(os.getuid()), str(os.getpid()))
    assert int(process.split("-")[1]) > int(lookup.id_of(1).rsplit("-", 1)[1])
    assert lookup.id_of(2**22 + 1) == ""


def git(folder, *words):
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def inventory(tmp_path):
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "hosts.yml").write_text("all:\n")
    git(tmp_path, "init", "--quiet")
    return folder


def test_the_commit_of_an_inventory_has_a_plus_only_while_the_inventory_differs_from_it(inventory, monkeypatch):
    assert lookup.commit_of(str(inventory)) == ""
    git(inventory, "add", ".")
    git(inventory, "commit", "--quiet", "--message", "Begin")
    commit = git(inventory, "rev-parse", "--short=12", "HEAD")
    (inventory.parent / "elsewhere").touch()
    # As a hook of another repository sets it.
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert lookup.commit_of(str(inventory)) == commit
    (inventory / "hosts.yml").write_text("all: {}\n")
    assert lookup.commit_of(str(inventory)) == f"{commit}+"


def test_an_inventory_that_is_not_in_git_has_no_commit(inventory):
    (inventory.parent / "other").touch()
    git(inventory, "add", "../other")
    git(inventory, "commit", "--quiet", "--message", "Begin")
    assert lookup.commit_of(str(inventory)) == ""
    assert lookup.commit_of(str(inventory / "missing")) == ""
    assert lookup.commit_of("") == ""


def test_a_host_that_has_left_the_inventory_still_has_its_commit(inventory):
    sources = [str(inventory / "hosts.yml"), "gone,"]
    assert lookup.inventory_of({"inventory_dir": None, "ansible_inventory_sources": sources}) == str(inventory)


def test_a_run_is_told_apart_by_who_applies_and_how(monkeypatch):
    monkeypatch.setattr(lookup.getpass, "getuser", lambda: "olga")
    monkeypatch.setattr(lookup.socket, "gethostname", lambda: "desk")
    [run] = lookup.LookupModule().run([], {})
    assert (run["operator"], run["controller"], run["route"], run["commit"]) == ("olga@desk", "desk", "ansible", "")
    monkeypatch.setenv("HOMELAB_EVENTS_FD", "3")
    assert lookup.LookupModule().run([], {})[0]["route"] == "pulumi"
