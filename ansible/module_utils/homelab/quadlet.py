"""Quadlet units as text and as systemd sees them: podman-systemd.unit(5), systemd.syntax(7). Pure but for `generate`."""

from __future__ import annotations

import hashlib
import pwd
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import system
from .kind import Unit

GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"
ORDER = ["Unit", "Container", "Pod", "Kube", "Network", "Volume", "Image", "Build", "Quadlet", "Service", "Install"]
SUFFIX = {"container": "", "kube": "", "pod": "-pod", "network": "-network", "volume": "-volume", "image": "-image", "build": "-build"}


def render_sections(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Sections as a unit file. Sorted, so that both routes give the same bytes; a list repeats its key."""
    known = [name for name in ORDER if name in sections]
    blocks = []
    for section in [*known, *sorted(set(sections) - set(known))]:
        lines = [f"[{section}]"]
        for key, value in sorted(sections[section].items()):
            lines += [f"{key}={_text(one)}" for one in (value if isinstance(value, list) else [value])]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _text(value: Any) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return text.replace("\n", " \\\n")


def files_of(unit: Unit) -> dict[str, str]:
    """All files of a unit by their path in the owner's folder; the unit's own comes first."""
    name = unit["name"]
    text = unit["content"] if "content" in unit else render_sections(unit["sections"])
    dropins = {f"{name}.d/{file}": text for file, text in unit.get("dropins", {}).items()}
    return {name: text, **dropins, **unit.get("files", {})}


def digest(unit: Unit) -> str:
    """What makes a unit, as one hash; an equal one was applied before."""
    parts = [f"{path}\0{text}\0" for path, text in sorted(files_of(unit).items())]
    return hashlib.sha256(("".join(parts) + str(unit.get("running", ""))).encode("utf-8", "surrogateescape")).hexdigest()


def settings(text: str) -> dict[str, list[tuple[str, str]]]:
    """A unit file's sections as (key, value) pairs in their order, continuation lines joined."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for raw in re.sub(r"\\\n", " ", text).splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line and line[:1] not in "#;":
            key, value = line.split("=", 1)
            found.setdefault(section, []).append((key.strip(), value.strip()))
    return found


def whole_text(unit: Unit) -> str:
    """The unit's text with its drop-ins behind it, as systemd merges them."""
    return "\n".join(text for path, text in files_of(unit).items() if path == unit["name"] or path.startswith(f"{unit['name']}.d/"))


def values(unit: Unit, section: str, key: str) -> list[str]:
    """The values of a key; an empty one clears those before it (systemd.syntax(7))."""
    found: list[str] = []
    for name, value in settings(whole_text(unit)).get(section, []):
        if name == key:
            found = [*found, value] if value else []
    return found


def section_of(unit: Unit) -> str:
    """The section that gives a unit its kind: Container for x.container, and so on."""
    return str(unit["name"].rsplit(".", 1)[1]).capitalize()


def service_of(unit: Unit) -> str:
    """The service that the generator makes of a unit; ServiceName= overrides."""
    stem, suffix = unit["name"].rsplit(".", 1)
    named = values(unit, section_of(unit), "ServiceName")
    return f"{named[-1] if named else stem + SUFFIX[suffix]}.service"


def should_run(unit: Unit) -> bool | None:
    """True: started with the host; False: stopped on request; None: started by others, on demand."""
    if unit.get("running") is not None:
        return bool(unit["running"])
    return True if values(unit, "Install", "WantedBy") or values(unit, "Install", "RequiredBy") else None


def uses(unit: Unit) -> set[str]:
    """The Quadlet units that a unit names: its image, networks, volumes and pod."""
    found: set[str] = set()
    for _key, value in (pair for pairs in settings(whole_text(unit)).values() for pair in pairs):
        for word in re.split(r"[:,\s]", value):
            if re.fullmatch(r"[\w@.-]+\.(container|pod|network|volume|image|build)", word):
                found.add(word)
    return found


def users_of(names: Iterable[str], units: Sequence[Unit]) -> list[Unit]:
    """Those of these units that use one of the named, directly or through another."""
    found: dict[str, Unit] = {}
    pending = set(names)
    while pending:
        using = [unit for unit in units if uses(unit) & pending and unit["name"] not in found]
        found.update({unit["name"]: unit for unit in using})
        pending = {unit["name"] for unit in using}
    return list(found.values())


def ports(unit: Unit) -> list[dict[str, str]]:
    """What PublishPort= opens: [[ip:]hostPort:]containerPort[/protocol], podman-run(1)."""
    found = []
    for value in values(unit, section_of(unit), "PublishPort"):
        match = re.fullmatch(r"(?:(?:(\[[^]]*\]|[\d.]*):)?(\d[\d-]*):)?(\d[\d-]*)(?:/(\w+))?", value)
        if match and match[2]:
            found.append({"host_ip": match[1] or "", "host_port": match[2], "container_port": match[3], "protocol": match[4] or "tcp"})
    return found


def generate(folder: Path, account: pwd.struct_passwd | None) -> tuple[dict[str, str], str]:
    """The generator's dry run over a folder: services by the name of their source file, and what it complains of."""
    mode = ["--user"] if account else []
    env = {"QUADLET_UNIT_DIRS": str(folder)}
    done = system.run([GENERATOR, *mode, "--dryrun"], check=False, env=env, account=account)
    made = {}
    for service in re.split(r"^---(?=[^\n]+---$)", done.stdout, flags=re.MULTILINE):
        source = re.search(r"^SourcePath=(.*)$", service, re.MULTILINE)
        if source:
            made[Path(source[1]).name] = service
    complaints = [line for line in done.stderr.splitlines() if "Loading source unit file" not in line]
    return made, "\n".join(line for line in complaints if re.search(r"rror|convert|unsupported|invalid|unable", line))
