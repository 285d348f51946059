"""Quadlet units as text and as systemd sees them: podman-systemd.unit(5), systemd.syntax(7). Pure throughout."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .kind import Unit

ORDER = ["Unit", "Container", "Pod", "Kube", "Network", "Volume", "Image", "Build", "Quadlet", "Service", "Install"]
SUFFIX = {"container": "", "kube": "", "pod": "-pod", "network": "-network", "volume": "-volume", "image": "-image", "build": "-build"}


LASTING = ("network", "volume", "image", "build")
USING = ("Image", "Network", "Volume", "Pod", "Mount", "Rootfs")
SPANS = {"ms": 0.001, "m": 60, "min": 60, "minutes": 60, "h": 3600, "hr": 3600, "hours": 3600}


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
    dropins = {f"{name}.d/{file}": as_text(dropin) for file, dropin in (unit.get("dropins") or {}).items()}
    return {name: text, **dropins, **(unit.get("files") or {})}


def as_text(dropin: str | Mapping[str, Mapping[str, Any]]) -> str:
    """A drop-in, given as text or as sections."""
    return dropin if isinstance(dropin, str) else render_sections(dropin)


def digest(unit: Unit) -> str:
    """What makes a unit, as one hash; an equal one was applied before."""
    parts = [f"{path}\0{text}\0" for path, text in sorted(files_of(unit).items())]
    return _hash("".join(parts) + str(unit.get("running", "")))


def object_digest(unit: Unit) -> str:
    """What makes the network, volume or image of a unit, as one hash; empty for units that make no lasting object.

    Their services only ever create what is missing, so a change of this section takes effect when the object is
    made anew; a change of anything else (a description, say) needs no such thing.
    """
    suffix = unit["name"].rsplit(".", 1)[1]
    if suffix not in LASTING:
        return ""
    parts = [f"{key}={value}\n" for key, value in settings(whole_text(unit)).get(section_of(unit), [])]
    files = sorted((unit.get("files") or {}).items()) if suffix == "build" else []
    return _hash("".join(parts) + repr(files))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def refused_paths(units: Sequence[Unit]) -> dict[str, str]:
    """Units whose files would lie elsewhere, on those of another unit, or be taken for units, by name with a reason."""
    refused: dict[str, str] = {}
    holder: dict[str, str] = {}
    for unit in units:
        for path in files_of(unit):
            if path.startswith("/") or not set(path.split("/")).isdisjoint({"", ".", ".."}):
                refused[unit["name"]] = f"{path} is not a path below the unit's folder, such as site/index.html"
            elif path in (unit.get("files") or {}) and path.rsplit(".", 1)[-1] in SUFFIX:
                refused[unit["name"]] = f"{path} would be read as a unit of its own; declare it as one, or name it otherwise"
            elif holder.setdefault(path, unit["name"]) != unit["name"]:
                refused[unit["name"]] = f"{path} is a file of {holder[path]} too; give one of them another path"
    return refused


def refused_services(units: Sequence[Unit]) -> dict[str, str]:
    """Units whose service is that of another one, by name with a reason."""
    refused: dict[str, str] = {}
    holder: dict[str, str] = {}
    for unit in units:
        first = holder.setdefault(service_of(unit), unit["name"])
        if first != unit["name"]:
            refused[unit["name"]] = f"its service {service_of(unit)} is that of {first} too; rename it or set ServiceName="
    return refused


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
    name, files = unit["name"], files_of(unit)
    return "\n".join([files[name], *(files[path] for path in sorted(files) if path.startswith(f"{name}.d/"))])


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
    """The service that the generator makes of a unit; ServiceName= overrides, DefaultInstance= fills a template."""
    stem, suffix = unit["name"].rsplit(".", 1)
    named = values(unit, section_of(unit), "ServiceName")
    name = named[-1] if named else stem + SUFFIX[suffix]
    instance = values(unit, "Install", "DefaultInstance")
    return f"{name}{instance[-1] if instance and name.endswith('@') else ''}.service"


def is_template(service: str) -> bool:
    """Whether a service exists only as its instances, systemd.unit(5)."""
    return service.endswith("@.service")


def should_run(unit: Unit) -> bool | None:
    """True: started with the host; False: stopped on request; None: started by others, on demand."""
    if is_template(service_of(unit)):
        return None
    if unit.get("running") is not None:
        return bool(unit["running"])
    return True if values(unit, "Install", "WantedBy") or values(unit, "Install", "RequiredBy") else None


def uses(unit: Unit) -> set[str]:
    """The Quadlet units that a unit names: its image, networks, volumes and pod."""
    found = set()
    for key in USING:
        for value in values(unit, section_of(unit), key):
            words = [word.removeprefix("source=").removeprefix("src=") for word in re.split(r"[:,\s]", value)]
            found.update(word for word in words if re.fullmatch(r"[\w@.-]+\.(container|pod|network|volume|image|build)", word))
    return found


def users_of(names: Iterable[str], units: Sequence[Unit]) -> list[Unit]:
    """Those of `units` that use one of these units, directly or through another."""
    found: dict[str, Unit] = {}
    pending = set(names)
    while pending:
        using = [unit for unit in units if unit["name"] not in found and uses(unit) & pending]
        found.update({unit["name"]: unit for unit in using})
        pending = {unit["name"] for unit in using}
    return list(found.values())


def start_seconds(unit: Unit) -> float:
    """TimeoutStartSec= in seconds, 0 when it is not said, systemd.time(7)."""
    said = values(unit, "Service", "TimeoutStartSec")
    parts = re.findall(r"([\d.]+)\s*([a-z]*)", said[-1]) if said else []
    return sum(float(number) * SPANS.get(span, 1) for number, span in parts)


def ports(unit: Unit) -> list[dict[str, str]]:
    """What PublishPort= opens: [[ip:]hostPort:]containerPort[/protocol], podman-run(1)."""
    found = []
    for value in values(unit, section_of(unit), "PublishPort"):
        match = re.fullmatch(r"(?:(?:(\[[^]]*\]|[\d.]*):)?(\d[\d-]*):)?(\d[\d-]*)(?:/(\w+))?", value)
        if match and match[2]:
            found.append({"host_ip": match[1] or "", "host_port": match[2], "container_port": match[3], "protocol": match[4] or "tcp"})
    return found
