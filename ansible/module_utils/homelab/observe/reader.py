"""The login that can only look: an account whose keys run one program of root's, with the observers that lie on the host.

Files: /etc/homelab/read, the observers below /etc/homelab/lib, the account's keys, and a rule of sudo for that program without
arguments (sshd(8), AUTHORIZED_KEYS FILE FORMAT; sudoers(5)). They are root's, so whoever logs in cannot change them.
"""

from __future__ import annotations

import ast
import importlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..core import ownership, system
from ..core.observer import Resource
from .base_files import source_of
from .service_user import find

ACCOUNT = "homelab-reader"
HOME = Path("/var/lib/homelab-reader")
PROGRAM = Path("/etc/homelab/read")
LIBRARY = Path("/etc/homelab/lib/homelab_observers")
SUDOERS = Path("/etc/sudoers.d/homelab-reader")
KEYS = HOME / ".ssh/authorized_keys"

# Without -I, Python would import from where the program is started.
READ = """\
#!/usr/bin/python3 -I
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/etc/homelab/lib")

from homelab_observers.observe import reading

reading.main()
"""
RULE = f'{ACCOUNT} ALL=(root) NOPASSWD: {PROGRAM} ""\n'
COMMAND = f'restrict,command="sudo -n {PROGRAM}"'


class File(NamedTuple):
    """A file of root's."""

    text: str
    mode: int


def files_of(readers: Sequence[Resource], owner: str) -> dict[Path, File]:
    """Return the files of the login, by path; none without readers."""
    if not readers:
        return {}
    mark = ownership.line(owner, "host", "host") + "\n"
    keys = "".join(f"{_options(reader)} {reader['key']}\n" for reader in readers)
    first, rest = READ.split("\n", 1)
    return {
        **{LIBRARY / path: File(mark + text, 0o644) for path, text in sources().items()},
        PROGRAM: File(f"{first}\n{mark}{rest}", 0o755),
        KEYS: File(mark + keys, 0o644),
        # Last: with it the program can be run.
        SUDOERS: File(mark + RULE, 0o440),
    }


def _options(reader: Resource) -> str:
    """Return the options of a key. One that looks at guests, too, may be forwarded to their SSH servers and nowhere else."""
    guests = "".join(f',permitopen="{guest}"' for guest in reader["guests"])
    return f'{COMMAND},port-forwarding,permitlisten="127.0.0.1:1"{guests}' if guests else COMMAND


def sources() -> dict[str, str]:
    """Return the observers' modules that a reader needs, by their path below the library."""
    # Here, since it imports this kind's observer; Ansible takes along what it sees imported.
    from . import reading  # noqa: PLC0415

    package = __package__.rsplit(".", 1)[0]
    found: dict[str, str] = {"__init__.py": ""}
    pending = [reading.__name__]
    while pending:
        name = pending.pop()
        module = importlib.import_module(name)
        is_package = hasattr(module, "__path__")
        path = name.removeprefix(f"{package}.").replace(".", "/") + ("/__init__.py" if is_package else ".py")
        if path in found or name == package:
            continue
        found[path] = source_of(module)
        pending += [name.rsplit(".", 1)[0], *imported(found[path], name if is_package else name.rsplit(".", 1)[0])]
    return dict(sorted(found.items()))


def imported(text: str, package: str) -> list[str]:
    """Return the modules of ours that a module imports, as it names them relative to its package."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], *([node.module] if node.module else [])])
            # What is imported may be a module or a name in one.
            found += [f"{base}.{one.name}" for one in node.names if _is_module(f"{base}.{one.name}")] + ([base] if node.module else [])
    return found


def _is_module(name: str) -> bool:
    try:
        return bool(importlib.import_module(name))
    except ImportError:
        return False


def differences(readers: Sequence[Resource], owner: str) -> list[str]:
    """Return how the login differs from the wanted one."""
    wanted = files_of(readers, owner)
    if not wanted:
        remains = [str(path) for path in (SUDOERS, KEYS, PROGRAM) if os.path.lexists(path)]
        return [f"{one} is there, but not wanted" for one in [*remains, *([f"account {ACCOUNT}"] if find(ACCOUNT) else [])]]
    found = [system.text_diff(str(path), system.read_text(path), file.text) for path, file in wanted.items()]
    found += [
        f"{path} has mode {mode:o}, wanted {wanted[path].mode:o}" for path, mode in _modes(wanted).items() if mode != wanted[path].mode
    ]
    return [*(() if find(ACCOUNT) else (f"there is no account {ACCOUNT}",)), *filter(None, found)]


def _modes(paths: dict[Path, File]) -> dict[Path, int]:
    return {path: stat.S_IMODE(os.stat(path).st_mode) for path in paths if os.path.exists(path)}
