"""What the host's own Quadlet generator makes of units, in a scratch folder (podman-systemd.unit(5))."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from . import quadlet, system
from .account import Account
from .kind import Unit

GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"


def refused_by_generator(units: Sequence[Unit], account: Account) -> dict[str, str]:
    """Units that the generator refuses, by name, with its own words.

    It reads the wanted units first, then what is installed; of two files of one name the first counts. Each unit
    gets a folder of its own, since a file with broken syntax takes down all units that lie beside it.
    """
    with system.scratch_folder(0o755) as scratch:
        for number, unit in enumerate(units):
            for path, text in quadlet.files_of(unit).items():
                put(scratch / f"u{number}" / path, text)
        made, complaints = generate([scratch, *account.unit_folders()], account)
    refused = {}
    for number, unit in enumerate(units):
        service = made.get(str(scratch / f"u{number}" / unit["name"]))
        said = complaints_about(complaints, f"{scratch}/u{number}/", unit["name"])
        if service is None:
            refused[unit["name"]] = f"Quadlet's generator refuses it: {said or complaints}"
        elif service != _template_of(quadlet.service_of(unit)):
            refused[unit["name"]] = f"Quadlet's generator makes {service} of it, not {quadlet.service_of(unit)}"
    return refused


def generate(folders: Sequence[Path], account: Account) -> tuple[dict[str, str], str]:
    """The generator's dry run over folders: services by the path of their source file, and what it complains of."""
    argv = [GENERATOR, *([] if account.is_system else ["--user"]), "--dryrun"]
    done = account.run(argv, check=False, env={"QUADLET_UNIT_DIRS": ":".join(map(str, folders))})
    return parse(done.stdout), done.stderr


def parse(printed: str) -> dict[str, str]:
    """What a dry run prints (`---web.service---`, then its text), as services by the path of their source file."""
    parts = re.split(r"^---(\S+)---$", printed, flags=re.MULTILINE)
    found = {}
    for service, text in zip(parts[1::2], parts[2::2], strict=True):
        source = re.search(r"^SourcePath=(.*)$", text, re.MULTILINE)
        if source:
            found[source[1]] = service
    return found


def complaints_about(complaints: str, folder: str, name: str) -> str:
    """The lines about one unit, without the scratch folder, which says nothing to a reader."""
    lines = [re.sub(r"^quadlet-generator\[\d+\]: ", "", line) for line in complaints.splitlines()]
    about = [line for line in lines if f'"{name}"' in line or folder in line]
    said = [line for line in about if not line.startswith(("Loading source unit file", "Warning:"))]
    return "\n".join(line.replace(folder, "") for line in dict.fromkeys(said))


def _template_of(service: str) -> str:
    return re.sub(r"@.*\.service$", "@.service", service)


def put(path: Path, text: str) -> None:
    """A file that every user can read."""
    system.make_folder(path.parent)
    system.write_text(path, text)
