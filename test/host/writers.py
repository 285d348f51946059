"""The modules of library/, as tests import them."""

import importlib.util
import sys
from pathlib import Path

import ansible.module_utils

ROOT = Path(__file__).resolve().parents[2] / "ansible"
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))


def module(name):
    """A module of library/, by its name."""
    spec = importlib.util.spec_from_file_location(f"library_{name}", ROOT / f"library/{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found
