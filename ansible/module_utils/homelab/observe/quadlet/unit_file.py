"""Quadlet units as text and as systemd sees them: podman-systemd.unit(5), systemd.syntax(7). Pure but for `generate`."""

from __future__ import annotations

import hashlib
import pwd
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...core import system
from ...core.observer import Resource

GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"
ORDER = ["Unit", "Container", "Pod", "Kube", "Network", "Volume", "Image", "Build", "Quadlet", "Service", "Install"]
# Keeps a unit with `running: false` from starting with the host.
STOPPED = "homelab-stopped.conf"
QUADLET_NAME = r"[\w@.-]+\.(container|pod|network|volume|image|build)"
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
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def files_of(unit: Resource) -> dict[str, str]:
    """All files of a unit by their path in the owner's folder; the unit's own comes first."""
    name = unit["name"]
    text = unit["content"] if "content" in unit else render_sections(unit["sections"])
    dropins = {f"{name}.d/{file}": text for file, text in sorted(unit.get("dropins", {}).items())}
    if unit.get("running") is False:
        dropins[f"{name}.d/{STOPPED}"] = "[Install]\nWantedBy=\nRequiredBy=\n"
    return {name: text, **dropins, **unit.get("files", {})}


def is_own_text(unit: Resource, path: str) -> bool:
    """Whether a file is the unit itself or a drop-in of it, not one that it mounts or reads."""
    return path == unit["name"] or path.startswith(f"{unit['name']}.d/")


def digests(unit: Resource) -> dict[str, str]:
    """A hash of each file of a unit."""
    return {path: _digest(text) for path, text in files_of(unit).items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def logical_lines(text: str) -> Iterator[str]:
    """Lines without comments; a backslash at the end joins the next one, over comments and empty lines, as Quadlet's parser does."""
    begun = ""
    for line in re.split(r"\r?\n", text):
        if line.lstrip()[:1] in ("", "#", ";"):
            continue
        if line.endswith("\\"):
            begun += line[:-1] + " "
            continue
        yield (begun + line).strip()
        begun = ""
    yield begun.strip()


def settings(text: str) -> dict[str, list[tuple[str, str]]]:
    """A unit file's sections as (key, value) pairs in their order."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in logical_lines(text):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            found.setdefault(section, [])
        elif "=" in line:
            key, value = line.split("=", 1)
            found.setdefault(section, []).append((key.strip(), value.strip()))
    return found


def whole_text(unit: Resource) -> str:
    """The unit's text with its drop-ins behind it, as systemd merges them."""
    return "\n".join(text for path, text in files_of(unit).items() if is_own_text(unit, path))


def values(unit: Resource, section: str, key: str) -> list[str]:
    """The values of a key; an empty one clears those before it (systemd.syntax(7))."""
    found: list[str] = []
    for name, value in settings(whole_text(unit)).get(section, []):
        if name == key:
            found = [*found, value] if value else []
    return found


def section_of(unit: Resource) -> str:
    """The section that gives a unit its kind: Container for x.container, and so on."""
    return str(unit["name"].rsplit(".", 1)[1]).capitalize()


def last(unit: Resource, key: str, default: str) -> str:
    """The value that counts of a key in the unit's own section, without quotes."""
    found = values(unit, section_of(unit), key)
    return found[-1].strip("\"'") if found else default


def service_of(unit: Resource) -> str:
    """The service that the generator makes of a unit; ServiceName= overrides. A template's is its default instance, if any."""
    stem, suffix = unit["name"].rsplit(".", 1)
    instance = values(unit, "Install", "DefaultInstance") if stem.endswith("@") else []
    return f"{last(unit, 'ServiceName', stem + SUFFIX[suffix] + ''.join(instance[-1:]))}.service"


def archive_of(unit: Resource) -> str | None:
    """The file that an image unit takes its image from (containers-transports(5)); None for one from elsewhere."""
    found = re.fullmatch(r"(?:docker|oci)-archive:(/[^:%]*)(?::.*)?", last(unit, "Image", "") if unit["name"].endswith(".image") else "")
    return found[1] if found else None


def is_template(service: str) -> bool:
    """Whether a service is a template without a default instance, which only others can start instances of."""
    return "@." in service


def object_of(unit: Resource) -> str | None:
    """The Podman network or volume that a unit makes once, as `network/<name>`; None for what is made at each start."""
    stem, suffix = unit["name"].rsplit(".", 1)
    return f"{suffix}/{last(unit, f'{suffix.capitalize()}Name', f'systemd-{stem}')}" if suffix in ("network", "volume") else None


def made_of(unit: Resource) -> str:
    """Return a hash of an object's definition. Podman never changes an existing object, podman-network-create(1) --ignore."""
    return _digest(f"{object_of(unit)} {settings(whole_text(unit)).get(section_of(unit), [])}")


def should_run(unit: Resource) -> bool | None:
    """True: started with the host; False: stopped on request; None: started by others, on demand."""
    if is_template(service_of(unit)):
        return None
    if unit.get("running") is not None:
        return bool(unit["running"])
    return True if values(unit, "Install", "WantedBy") or values(unit, "Install", "RequiredBy") else None


def uses(unit: Resource) -> set[str]:
    """Return the parts whose change restarts a unit: Quadlet units, files (`./path`), secrets (`secret/<name>`), required services."""
    found: set[str] = set()
    for section, pairs in settings(whole_text(unit)).items():
        for key, value in pairs:
            words = set(re.split(r"[:,=\s\"']", value))
            if section == "Unit":
                found |= words if key in ("Requires", "Requisite", "BindsTo", "PartOf") else set()
            elif (section, key) == ("Container", "Secret"):
                found |= {f"secret/{name}" for name in secrets_in(value)}
            else:
                found |= {word for word in words if word.startswith("./") or re.fullmatch(QUADLET_NAME, word)}
    return found


def users_of(parts: Iterable[str], units: Sequence[Resource], used: Mapping[str, set[str]]) -> list[Resource]:
    """Return the units that use one of the parts, directly or through another. A part is an item of `uses`.

    `used` is what each unit `uses`, by its name: read once for all parts, since many units are asked about.
    """
    found: dict[str, Resource] = {}
    pending = set(parts)
    while pending:
        pending |= {service_of(unit) for unit in units if unit["name"] in pending}
        using = [unit for unit in units if unit["name"] not in found and any(_names(word, pending) for word in used[unit["name"]])]
        found.update({unit["name"]: unit for unit in using})
        pending = {unit["name"] for unit in using}
    return list(found.values())


def _names(word: str, parts: Iterable[str]) -> bool:
    folder = word.rstrip("/") + "/"
    return any(part == word or (word.startswith("./") and part.startswith(folder)) for part in parts)


def unquoted(value: str) -> str:
    """Return a value without the quotes around it."""
    match = re.fullmatch(r"([\"'])(.*)\1", value)
    return match[2] if match else value


def secrets_in(value: str) -> list[str]:
    """Return the names in the value of Secret=: `name[,option=value …]`, several of them in a line too."""
    words = [re.sub("[\"']", "", word).split(",")[0] for word in value.split()]
    return [word for word in words if word]


def port_in(value: str) -> dict[str, str] | None:
    """Return the port that a value of PublishPort= takes, [[ip:][hostPort]:]containerPort[/protocol], podman-run(1); else None."""
    form = r"(?:(?:(\[[0-9A-Fa-f:.]*\]|[\d.]*):)?(\d{1,5}(?:-\d{1,5})?)?:)?(\d{1,5}(?:-\d{1,5})?)(?:/(tcp|udp|sctp))?"
    match = re.fullmatch(form, unquoted(value), re.IGNORECASE | re.ASCII)
    if not match or not match[2] or not _is_port_range(match[2]):
        return None
    return {"host_ip": match[1] or "", "host_port": match[2], "container_port": match[3], "protocol": (match[4] or "tcp").lower()}


def _is_port_range(text: str) -> bool:
    first, _, last = text.partition("-")
    return int(first) <= int(last or first) <= 65535


def ports(unit: Resource) -> list[dict[str, str]]:
    """Return the ports of the host that a unit publishes."""
    return [port for value in values(unit, section_of(unit), "PublishPort") if (port := port_in(value))]


class Service(NamedTuple):
    """A service that the generator makes: the name of its file, and the text of it."""

    name: str
    text: str


def generate(folder: Path, account: pwd.struct_passwd | None) -> tuple[dict[str, Service], str]:
    """The generator's dry run over a folder: services by their source file's name, and what it complains of."""
    mode = ["--user"] if account else []
    env = {"QUADLET_UNIT_DIRS": str(folder)}
    done = system.run([GENERATOR, *mode, "--dryrun"], check=False, env=env, account=account)
    made = {}
    for service in re.split(r"^---(?=[^\n]+---$)", done.stdout, flags=re.MULTILINE):
        source = re.search(r"^SourcePath=(.*)$", service, re.MULTILINE)
        if source:
            name, _, text = service.partition("---\n")
            made[Path(source[1]).name] = Service(name, text)
    complaints = [line for line in done.stderr.splitlines() if "Loading source unit file" not in line]
    return made, "\n".join(line for line in complaints if re.search(r"rror|convert|unsupported|invalid|unable", line))
