"""The kinds' writers, as tests import them. A module's place is looked up here alone."""

import importlib
from pathlib import Path

import ansible.module_utils

ROOT = Path(__file__).resolve().parents[2] / "ansible"
# The one identity of the package in tests, and the one that Ansible gives it.
PACKAGE = "ansible.module_utils.homelab"
if str(ROOT / "module_utils") not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(str(ROOT / "module_utils"))


def kinds():
    """The kinds' observers by the names of their modules in library/."""
    table = importlib.import_module(f"{PACKAGE}.observe.kinds")
    return {observer.kind.replace("-", "_"): observer for observer in table.OBSERVERS}


def module(kind):
    """The module of apply/ that changes a kind, by the name of its module in library/."""
    [line] = [line for line in (ROOT / f"library/{kind}.py").read_text().splitlines() if line.endswith("Writer")]
    return importlib.import_module(line.split()[1])
