"""Observes kernel parameters: files of ours in sysctl.d(5), and the values in the running kernel.

A resource is {name, settings: {parameter: value}}. Its file is /etc/sysctl.d/60-homelab-<name>.conf.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core import ownership, system
from ..core.observer import Observation, Observer, Resource

FOLDER = Path("/etc/sysctl.d")
# Later folders override files of the same name, sysctl.d(5).
FOLDERS = [Path("/usr/lib/sysctl.d"), Path("/usr/local/lib/sysctl.d"), Path("/run/sysctl.d"), FOLDER]
KERNEL = Path("/proc/sys")


class Sysctl(Observer):
    """Reads files and running values."""

    kind = "sysctl"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return [observe(resource, owner) for resource in resources]

    def found(self) -> dict[str, str | None]:
        marks = [ownership.read(system.read_text(path)) for path in FOLDER.glob("*.conf")] if FOLDER.is_dir() else []
        return {one["name"]: one["owner"] for one in marks if one.get("kind") == self.kind}

    def warnings(self, resources: Sequence[Resource], owner: str) -> dict[str, list[str]]:
        found = {self.name_of(one): overridden(one) for one in resources}
        return {name: texts for name, texts in found.items() if texts}


def observe(resource: Resource, owner: str) -> Observation:
    """Return one file and the running values of its parameters."""
    path = file_of(resource["name"])
    text, wanted = system.read_text(path), render(resource, owner)
    seen = Observation(resource["name"], present=text is not None, owner=ownership.read(text).get("owner"))
    seen.differences = [system.text_diff(str(path), text, wanted)] if text != wanted else []
    running = {key: value_of(key) for key in resource["settings"]}
    for key, value in resource["settings"].items():
        if running[key] is None:
            seen.differences.append(f"{key}: the kernel has no such parameter")
        elif running[key] != plain(value):
            seen.differences.append(f"{key} is {running[key]}, wanted {plain(value)}")
    seen.facts = {"running": running}
    return seen


def file_of(name: str) -> Path:
    """Return the file of a resource."""
    return FOLDER / f"60-homelab-{name}.conf"


def render(resource: Resource, owner: str) -> str:
    """Return the text of a file: the owner, then the settings in their order."""
    lines = [f"{key} = {plain(value)}" for key, value in resource["settings"].items()]
    return "\n".join([ownership.line(owner, "sysctl", resource["name"]), *lines]) + "\n"


def path_of(key: str) -> str:
    """Return a parameter's path below /proc/sys: the first separator decides which one means a folder, sysctl.d(5)."""
    first = next((letter for letter in key if letter in "./"), ".")
    return key if first == "/" else key.translate(str.maketrans("./", "/."))


def plain(value: object) -> str:
    """Return a value as the kernel prints it, with single blanks."""
    return " ".join(str(value).split())


def value_of(key: str) -> str | None:
    """Return the running value of a parameter, None where the kernel has none, or none that can be read."""
    try:
        text = (KERNEL / path_of(key)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return plain(text)


def settings_of(text: str) -> dict[str, str]:
    """Return the settings of a file by the parameters' paths; comments, patterns and exclusions are left out."""
    pairs = [line.split("=", 1) for line in text.splitlines() if "=" in line and line.strip()[:1] not in ("#", ";")]
    named = [(key.strip().removeprefix("-"), plain(value)) for key, value in pairs]
    return {path_of(key): value for key, value in named if "*" not in key}


def files_in_order() -> list[Path]:
    """Return all files of sysctl.d(5) in the order in which a boot applies them."""
    files = {path.name: path for folder in FOLDERS if folder.is_dir() for path in folder.glob("*.conf")}
    return [files[name] for name in sorted(files)]


def overridden(resource: Resource) -> list[str]:
    """Return which later files would override the settings at boot."""
    own, texts = file_of(resource["name"]).name, []
    for path in files_in_order():
        if path.name <= own:
            continue
        others = settings_of(system.read_text(path) or "")
        for key, value in resource["settings"].items():
            other = others.get(path_of(key))
            if other is not None and other != plain(value):
                texts.append(f"{path} sets {key} to {other}, which overrides this file at boot")
    return texts


observer = Sysctl()
