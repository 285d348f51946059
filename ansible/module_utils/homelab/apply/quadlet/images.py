"""Images of Quadlet units that are looked up in their registries beforehand: those that Podman would have to pull by name.

Nothing is asked where Podman may use credentials or other locations: containers-auth.json(5),
containers-registries.conf(5), containers-storage.conf(5). Of the first it is only looked whether there is one.
"""

from __future__ import annotations

import pwd
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core import system
from ...core.observer import Resource
from ...core.user_process import as_user
from ...observe.quadlet import objects, unit_file
from .. import image_registry

CONTAINERS = Path("/etc/containers")
RUN = Path("/run")
OWN_KEYS = ("AuthFile", "CertDir", "Creds", "GlobalArgs", "ContainersConfModule")
# By which a service may log in or bring the image itself.
OWN_START = ("Environment", "EnvironmentFile", "ExecStartPre")
OWN_ARGS = re.compile(r"--(authfile|cert-dir|creds|pull|tls-verify)\b")

Conf = Mapping[str, Any]


def image_of(unit: Resource) -> image_registry.Image | None:
    """The image that a unit gets from a registry (podman-systemd.unit(5)); a pod's and a volume's are pulled by nobody."""
    if not unit["name"].endswith((".container", ".image")) or unit_file.should_run(unit) is False:
        return None
    section = unit_file.section_of(unit)
    own = any(unit_file.values(unit, section, key) for key in OWN_KEYS) or any(unit_file.values(unit, "Service", key) for key in OWN_START)
    own = own or OWN_ARGS.search(" ".join(unit_file.values(unit, section, "PodmanArgs"))) is not None
    never = "never" in (unit_file.last(unit, "Pull", ""), unit_file.last(unit, "Policy", ""))
    return None if own or never else image_registry.parsed(unit_file.last(unit, "Image", ""))


def to_ask(
    account: pwd.struct_passwd | None, store: Path, units: Sequence[Resource], everything: Sequence[Resource]
) -> dict[str, image_registry.Image]:
    """The images that these units get, by the units' names; `everything` is what will be there, of which some may make an image."""
    wanted = {unit["name"]: image for unit in units if (image := image_of(unit))}
    made = {objects.whole_name(tag) for one in everything for tag in unit_file.values(one, unit_file.section_of(one), "ImageTag")}

    def work() -> list[str]:
        stored, confs = objects.images(store), read_confs(account)
        unknown = stored is None and any(store.glob("*-images/images.json"))
        if unknown or has_credentials(account) or any(keeps_elsewhere(conf, store) for conf in confs):
            return []
        there = {*(stored or {}), *filter(None, made)}
        return [name for name, one in wanted.items() if not is_there(one, there) and not is_set_apart(one.registry, confs)]

    try:
        return {name: wanted[name] for name in as_user(account, work)}
    except (OSError, ValueError, AttributeError, TypeError):
        # A file that is unreadable, or of another form, may contain anything.
        return {}


def is_there(image: image_registry.Image, names: Collection[str]) -> bool:
    """Whether a store has an image; a digest may be that of any image of its repository."""
    whole = f"{image.registry}/{image.repository}"
    return str(image) in names or (":" in image.version and any(name.startswith((f"{whole}:", f"{whole}@")) for name in names))


def home_of(account: pwd.struct_passwd | None) -> Path:
    """Return the home that holds the settings."""
    return Path(account.pw_dir if account else "/root")


def read_confs(account: pwd.struct_passwd | None) -> list[Conf]:
    """Return the settings of administrator and user for registries and stores. Raise OSError or ValueError."""
    folders = (CONTAINERS, home_of(account) / ".config/containers")
    files = [folder / name for folder in folders for name in ("registries.conf", "storage.conf")]
    files += [file for folder in folders for file in sorted((folder / "registries.conf.d").glob("*.conf"))]
    return [tomllib.loads(system.read_text(file) or "") for file in files]


def has_credentials(account: pwd.struct_passwd | None) -> bool:
    """Whether a user has logged in to any registry, podman-login(1)."""
    uid, home = (account.pw_uid if account else 0), home_of(account)
    runtime = (RUN / f"user/{uid}/containers/auth.json", RUN / f"containers/{uid}/auth.json")
    return any(file.exists() for file in (*runtime, home / ".config/containers/auth.json", home / ".docker/config.json"))


def is_set_apart(name: str, confs: Sequence[Conf]) -> bool:
    """Whether a registry has a [[registry]] of its own: mirrors, another location, insecure or blocked; or who asks has helpers."""
    tables = [table for conf in confs for table in conf.get("registry", [])]
    hosts = [str(table.get("prefix") or table.get("location")).split("/")[0] for table in tables]
    matching = any(host == name or (host.startswith("*.") and name.endswith(host[1:])) for host in hosts)
    return matching or any(conf.get("credential-helpers") for conf in confs)


def keeps_elsewhere(conf: Conf, store: Path) -> bool:
    """Whether images may lie in another store than the usual one."""
    storage = conf.get("storage", {})
    usual = (None, "", "/var/lib/containers/storage", str(store))
    others = storage.get("rootless_storage_path") or storage.get("options", {}).get("additionalimagestores")
    return bool(others) or storage.get("graphroot") not in usual
