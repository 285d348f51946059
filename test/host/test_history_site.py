"""Which runs of site.yml leave a line, by Ansible itself: mocks stand for the modules of all kinds and for that of the history."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from writers import ROOT, kinds

# The mock of a module: it ends as the host's `answers.json` has it. The owner of a host here is its name.
MODULE = """#!/usr/bin/python
import json
from pathlib import Path
from ansible.module_utils.basic import AnsibleModule
NAME, FOLDER = {name!r}, Path({folder!r})
module = AnsibleModule(argument_spec={{name: {{"type": "raw"}} for name in {options!r}}}, supports_check_mode=True)
given = module.params
if NAME == "history":
    (FOLDER / "written" / given["owner"]).write_text(json.dumps(given))
which = NAME + (" remove" if given.get("remove") else "")
answer = json.loads((FOLDER / "answers.json").read_text())[given["owner"]].get(which, {{"changed": False}})
if answer.get("failed"):
    module.fail_json(**answer)
module.exit_json(kind=NAME, **answer)
"""
KIND = "resources contents secret_values absent remove owner run prune report_undeclared changed_kinds"
OPTIONS = {"detect_changes": "resources absent contents owner run report_undeclared prune", "history": "results outcome host owner run"}

UNIT = "web/page.container"
APPLIED = {"changed": True, "tried": [UNIT]}
# How the modules of a host end, by the name of the host.
HOSTS = {
    "changed": {"quadlet_unit": APPLIED | {"to_remove": ["web/old.container"]}, "quadlet_unit remove": {"tried": ["web/old.container"]}},
    "in-sync": {"detect_changes": {"out_of_sync": []}},
    # Something was out of sync for the detection, and not any more.
    "nothing-left": {},
    "rejected": {"quadlet_unit": {"failures": ["quadlet-unit web/page.container: no"], "tried": []}},
    "out-of-sync": {"quadlet_unit": APPLIED | {"failures": ["quadlet-unit web/page.container: no"]}},
    "locked": {"quadlet_unit": {"failed": True, "rejected": True, "msg": "The host is locked by another apply"}},
    "broken": {"quadlet_unit": {"failed": True, "msg": "MemoryError"}},
    # There is no program of the rollback here, so no new login confirms.
    "rolled-back": {"detect_changes": {"out_of_sync": ["sysctl"]}, "sysctl": {"changed": True, "tried": ["forward"], "armed": True}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of site.yml with mocks beside it, and an inventory in git."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("library", "inventory"):
        (folder / name).mkdir()
    for name in [*kinds(), *OPTIONS]:
        text = MODULE.format(name=name, folder=str(folder), options=OPTIONS.get(name, KIND).split())
        (folder / f"library/{name}.py").write_text(text)
    (folder / "site.yml").write_text((ROOT / "site.yml").read_text())
    shared = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    hosts = {name: {"homelab_owner": name} for name in HOSTS}
    (folder / "inventory/hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
    answers = {name: {"detect_changes": {"out_of_sync": ["quadlet-unit"]}, **answers} for name, answers in HOSTS.items()}
    (folder / "answers.json").write_text(json.dumps(answers))
    return folder


def run(folder, *words):
    """Run the playbook. Return what it printed, and by host what the module of the history was given."""
    written = folder / "written"
    written.mkdir(exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "HOMELAB_", "GIT_"))}
    env |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_ROLES_PATH": str(ROOT / "roles")}
    env |= {f"ANSIBLE_{kind.upper()}_PLUGINS": str(ROOT / f"{kind}_plugins") for kind in ("lookup", "filter")}
    env |= {f"ANSIBLE_{name}": str(folder / name.lower()) for name in ("HOME", "LOCAL_TEMP", "REMOTE_TEMP")}
    program = str(Path(sys.executable).parent / "ansible-playbook")
    inventory = ["-i", str(folder / "inventory/hosts.yml")]
    # The play says ssh.
    local = ["--extra-vars", json.dumps({"ansible_connection": "local"})]
    playbook = [sys.executable, program, *inventory, *local, *words, str(folder / "site.yml")]
    printed = subprocess.run(playbook, env=env, cwd=folder, capture_output=True, text=True).stdout
    return printed, {path.name: json.loads(path.read_text()) for path in written.iterdir()}


@pytest.fixture(scope="module")
def ran(folder):
    printed, before = run(folder, "--check", "--limit", "changed")
    assert " failed=0 " in printed
    assert before == {}
    return run(folder)


@pytest.mark.parametrize(
    ("host", "outcome", "results"),
    [
        ("changed", "ok", [("quadlet-unit", False, [UNIT]), ("quadlet-unit", True, ["web/old.container"])]),
        ("out-of-sync", "failed", [("quadlet-unit", False, [UNIT])]),
        # Nothing is known of what it changed.
        ("broken", "failed", [("quadlet-unit", False, [])]),
        ("rolled-back", "rolled back", [("sysctl", False, ["forward"])]),
    ],
)
def test_a_run_that_changed_something_or_tried_leaves_a_line(ran, host, outcome, results):
    line = ran[1][host]
    assert [(one["kind"], one["removed"], one["tried"]) for one in line["results"]] == results
    assert [one["broken"] for one in line["results"]] == [not tried for _, _, tried in results]
    assert (line["outcome"], line["host"], line["owner"], line["run"]["route"]) == (outcome, host, host, "ansible")


@pytest.mark.parametrize("host", ["in-sync", "nothing-left", "rejected", "locked"])
def test_a_run_that_changed_nothing_leaves_none(ran, host):
    printed, written = ran
    assert host in printed
    assert host not in written


def test_a_run_that_failed_still_fails(ran):
    recap = {line.split()[0]: " failed=0 " not in line for line in ran[0].split("PLAY RECAP")[1].splitlines()[1:] if line.strip()}
    failed = ("rejected", "out-of-sync", "locked", "broken", "rolled-back")
    assert recap == {name: name in failed for name in HOSTS}
