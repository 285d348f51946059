"""Observes images: files that new volumes are copies of, named by their hash. A unit is {name, source, sha256}."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core import records, system
from ..core.observer import Observation, Observer, Resource

FOLDER = Path("/var/lib/homelab-images")
MODE = 0o444


class Image(Observer):
    """Reads images. A file cannot carry an owner, so the record does; it also identifies the file that had the hash."""

    kind = "image"
    carries_owner = False

    def is_ours(self, seen: Observation, owner: str) -> bool:
        """A file with the wanted hash is what anybody would have fetched."""
        return True

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return [observe(resource, records.read(owner, self.kind, resource["name"]) or {}) for resource in resources]

    def record_of(self, resource: Resource) -> records.Record:
        return {"sha256": resource["sha256"], "seen": signature(path_of(resource["sha256"]))}

    def found(self) -> dict[str, str | None]:
        """Return the images that have a record; a file without one is listed by its name, the hash."""
        names = [(owner, name) for owner in records.owners() for name in records.names(owner, self.kind)]
        hashes = {name: (owner, (records.read(owner, self.kind, name) or {}).get("sha256")) for owner, name in names}
        files = {path.name for path in FOLDER.iterdir() if path.is_file()} if FOLDER.is_dir() else set()
        known = {name: owner for name, (owner, digest) in hashes.items() if digest in files}
        return {**dict.fromkeys(sorted(files - {digest for _, digest in hashes.values()})), **known}


def path_of(sha256: str) -> Path:
    """Where the image with this hash lies."""
    return FOLDER / sha256


def named(name: str, owner: str) -> Path | None:
    """The file of an owner's image; None when there is none, or not whole."""
    record = records.read(owner, "image", name) or {}
    path = path_of(record.get("sha256", "none"))
    return path if path.exists() and not record.get("pending") else None


def signature(path: Path) -> list[int] | None:
    """Return a fingerprint that changes with any change of a file (inode(7)), so that a large file is not read each time."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def observe(resource: Resource, record: records.Record) -> Observation:
    """Return the observation of an image. The file is read only if it changed since its hash was verified."""
    path = path_of(resource["sha256"])
    has = signature(path)
    if has is None:
        # With a record it is there in an older version, or was removed by hand.
        return Observation(resource["name"])
    seen = Observation(resource["name"], present=True, facts={"path": str(path)})
    known = record.get("sha256") == resource["sha256"] and record.get("seen") == has
    if not known and (digest := hash_of(path)) != resource["sha256"]:
        seen.differences.append(f"{path} was altered: its SHA-256 is {digest}")
    if path.stat().st_mode & 0o777 != MODE:
        seen.differences.append(f"{path} has mode {path.stat().st_mode & 0o777:04o}, wanted {MODE:04o}")
    return seen


def info_of(path: str) -> dict[str, Any]:
    """Return qemu-img(1)'s information on a file that has the declared hash; only of such a file the content gives the format.

    Raise CommandError, or OSError for a file that is no whole image: its author could have any file of the host read.
    """
    found: dict[str, Any] = json.loads(system.run(["qemu-img", "info", "-U", "--output=json", path]).stdout)
    if found["format"] not in ("raw", "qcow2"):
        raise OSError(f"it is {found['format']}; convert it to qcow2 or raw first (qemu-img convert)")
    if refers_to(found):
        raise OSError("it is based on another file, and so is no whole image")
    return found


def refers_to(info: dict[str, Any]) -> str:
    """Return the other file that an image's header names, of qemu-img(1)'s information on it; '' for a whole image."""
    data = (info.get("format-specific") or {}).get("data") or {}
    if "data-file" in data or "data-file-raw" in data:
        return f"data file {data.get('data-file', '')}".strip()
    return f"backing file {info['backing-filename']}" if "backing-filename" in info else ""


def data_of(path: str | Path) -> int:
    """How many bytes a file has on its file system, without its holes (inode(7))."""
    return os.stat(path).st_blocks * 512


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def used_by_others(owner: str, name: str, sha256: str) -> bool:
    """Whether another image, of any owner, is the same file."""
    for folder in records.ROOT.glob("*/image"):
        for other in records.names(folder.parent.name, "image"):
            record: dict[str, Any] = records.read(folder.parent.name, "image", other) or {}
            if record.get("sha256") == sha256 and (folder.parent.name, other) != (owner, name):
                return True
    return False


def is_url(source: str) -> bool:
    """Whether a source is fetched; else it is a file of the host."""
    return not os.path.isabs(source)


observer = Image()
