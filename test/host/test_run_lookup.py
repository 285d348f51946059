"""Which process stands for a run of Ansible, so that two runs are two."""

import importlib.util
import os
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
