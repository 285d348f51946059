"""Objects of Quadlet units in Podman's store: networks, volumes, images. Read from files, since each call of Podman takes a second.

What is unknown is not drift: a store elsewhere (containers-storage.conf(5)), a volume of another driver, a partial name.
An image is another one only if nothing renewed it: its service since the last apply (also by a boot), or podman-auto-update(1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...core import records, system
from ...core.observer import Resource
from . import unit_file

PULLED = Path("/run/homelab/pulled")
# registry/path[:tag], containers-registries.conf(5); what stands before a colon and no port is a transport.
WHOLE_NAME = re.compile(r"(localhost(:\d+)?|[^/:]*\.[^/:]*(:\d+)?|[^/:]+:\d+)/[^@]+")


Note = dict[str, str]


def differences(
    user: str, store: Path, unit: Resource, state: Mapping[str, str], *, noted: Note, others: Callable[[], Sequence[Resource]]
) -> list[str]:
    """How what a unit made differs from `noted`; `others` gives the units beside it, of which some may let Podman renew their images."""
    if state.get("ActiveState") != "active":
        return []
    made = unit_file.object_of(unit)
    if made:
        return [] if object_is_there(user, store, unit, made) else [f"{made.replace('/', ' ')} does not exist"]
    name, ids = image_of(unit), images(store)
    if name is None or ids is None:
        return []
    if name not in ids:
        return [f"image {name} does not exist"]
    same = noted.get("image") == ids[name] or noted.get("run") != state.get("InvocationID")
    return [] if same or renewed(unit, name, others()) else [f"image {name} is not the one that {unit_file.service_of(unit)} got"]


def noted(user: str, unit: Resource) -> Note:
    """Return the image that a unit got with its last apply since the boot, and the run of its service; empty where unknown."""
    return records.parsed(system.read_text(_note_of(user, unit))) or {}


def note(user: str, unit: Resource, image: str, state: Mapping[str, str]) -> None:
    """Remember that, until the next boot."""
    system.make_folder(_note_of(user, unit).parent, mode=0o700)
    system.write_text(_note_of(user, unit), json.dumps({"image": image, "run": state.get("InvocationID")}), mode=0o600)


def _note_of(user: str, unit: Resource) -> Path:
    return PULLED / user / f"{unit['name']}.json"


def object_is_there(user: str, store: Path, unit: Resource, made: str) -> bool:
    """Whether the network or volume that a unit made is there, as far as its files tell."""
    kind, name = made.split("/", 1)
    if "%" in name:
        return True  # systemd knows it, systemd.unit(5).
    if kind == "network":
        folder = Path("/etc/containers/networks") if user == "system" else store / "networks"
        return not folder.is_dir() or (folder / f"{name}.json").exists()
    local = unit_file.last(unit, "Driver", "local") == "local"
    return not local or not (store / "volumes").is_dir() or (store / "volumes" / name).is_dir()


def image_of(unit: Resource) -> str | None:
    """The whole name of the image that a unit gets or builds; None for a short one, a digest, or another kind of unit."""
    suffix = unit["name"].rsplit(".", 1)[1]
    if suffix not in ("image", "build"):
        return None
    return whole_name(unit_file.last(unit, "ImageTag", "") or (unit_file.last(unit, "Image", "") if suffix == "image" else ""))


def whole_name(name: str) -> str | None:
    """Return an image's name as Podman's store has it; None for a partial one."""
    if not WHOLE_NAME.fullmatch(name) or "%" in name:
        return None
    registry, path = re.sub(r"^index\.docker\.io/", "docker.io/", name).split("/", 1)
    path = f"library/{path}" if registry == "docker.io" and "/" not in path else path
    return f"{registry}/{path}" if ":" in path.rsplit("/", 1)[-1] else f"{registry}/{path}:latest"


def images(store: Path) -> dict[str, str] | None:
    """The ids of a store's images by name; None where there is no such store, or in another form."""
    files = sorted(store.glob("*-images/images.json"))
    try:
        listed = [image for file in files for image in json.loads(system.read_text(file) or "[]")]
        return {name: image["id"] for image in listed for name in image.get("names") or []} if files else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def renewed(unit: Resource, name: str, others: Sequence[Resource]) -> bool:
    """Whether what runs of an image lets Podman renew it: podman-auto-update(1), or by a pull at each start."""

    def is_renewing(one: Resource) -> bool:
        pulls = unit_file.last(one, "Pull", "") in ("always", "newer")
        return pulls or bool(unit_file.last(one, "AutoUpdate", "")) or "io.containers.autoupdate" in unit_file.whole_text(one)

    # The images of a .kube are named in another file.
    using = [one for one in others if one["name"].endswith(".kube") or image_in(one) in (unit["name"], name)]
    return any(is_renewing(one) for one in using)


def image_in(unit: Resource) -> str | None:
    """Return what a container is started from: the name of a unit, or an image's full name."""
    named = unit_file.last(unit, "Image", "")
    return named if named.endswith((".image", ".build")) else whole_name(named)
