"""Applies images."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import IO

from ..core import records, system
from ..core.disk_space import DiskSpace
from ..core.observer import Resource
from ..observe.image import FOLDER, MODE, Image, data_of, hash_of, info_of, is_url, path_of, used_by_others
from .writer import Change, Errors, Writer

SILENCE_SECONDS = 60
ANSWER_SECONDS = 15
# A run of zeros of this length becomes a hole, in bytes.
BLOCK = 64 * 1024


class ImageWriter(Image, Writer):
    """Fetches images. One that is there is never changed; another hash is another file."""

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        errors: Errors = {}
        space = DiskSpace()
        # Two of one hash are one file.
        counted: set[str] = set()
        for resource in [
            resource for resource in resources if resource["name"] in self.to_change and not path_of(resource["sha256"]).exists()
        ]:
            try:
                size = size_of(resource["source"])
            except OutOfReach as reason:
                errors[resource["name"]] = str(reason)
                continue
            if resource["sha256"] in counted:
                continue
            if lacking := space.shortage(FOLDER, size):
                errors[resource["name"]] = f"{resource['source']} is {lacking}"
            else:
                counted.add(resource["sha256"])
        return errors

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        errors: Errors = {}
        for change in changes:
            try:
                ensure(change.resource)
                let_go(owner, change.seen.name, change.record.get("sha256"), change.resource["sha256"])
            except (OSError, ValueError, HTTPException, system.CommandError) as error:
                errors[change.seen.name] = f"{change.resource['source']}: {error}"
        return errors

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        for name in names:
            let_go(owner, name, (records.read(owner, self.kind, name) or {}).get("sha256"), None)
        return {}


class OutOfReach(Exception):
    """A source cannot be fetched; the text gives the reason."""


def size_of(source: str) -> int:
    """How much a source takes, in bytes, as far as that is known without fetching it; 0 when it is not. Raises OutOfReach."""
    if not is_url(source):
        if not os.path.isfile(source):
            raise OutOfReach(f"there is no file {source} on this host")
        return data_of(source)
    try:
        with urllib.request.urlopen(urllib.request.Request(source, method="HEAD"), timeout=ANSWER_SECONDS) as answer:
            length = answer.headers.get("Content-Length") or ""
    except urllib.error.HTTPError as error:
        # Some servers answer GET alone.
        if error.code in (403, 405, 501):
            return 0
        raise OutOfReach(f"{source} cannot be had: {error}") from error
    except (OSError, HTTPException) as error:
        raise OutOfReach(f"{source} cannot be had: {error}") from error
    return int(length) if length.isdecimal() else 0


def ensure(resource: Resource) -> None:
    """Have one image, whole or not at all. Raises OSError, ValueError or CommandError."""
    path = path_of(resource["sha256"])
    if path.exists() and hash_of(path) == resource["sha256"]:
        os.chmod(path, MODE)
        return
    system.make_folder(FOLDER, mode=0o755)
    # A fixed name, so that the next run replaces what an interrupted one left.
    scratch = str(FOLDER / f".homelab-{resource['sha256']}")
    try:
        with opened(resource["source"]) as source, open(scratch, "wb", opener=private) as target:
            copy(source, target, resource["sha256"])
        if shutil.which("qemu-img"):
            info_of(scratch)
        os.chmod(scratch, MODE)
        # An altered one is put aside by this; volumes are whole copies, so that nobody uses it.
        os.rename(scratch, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)


def private(path: str, flags: int) -> int:
    """Open a file that nobody else reads."""
    return os.open(path, flags, 0o600)


def opened(source: str) -> IO[bytes]:
    """A source to read from."""
    if is_url(source):
        found: IO[bytes] = urllib.request.urlopen(source, timeout=SILENCE_SECONDS)
        return found
    return open(source, "rb")


def copy(source: IO[bytes], target: IO[bytes], sha256: str) -> None:
    """Copy what has the hash, with holes for zeros, so that `data_of` is what copies of it take.

    Raises ValueError at another hash, and OSError where a server ends before it has sent what it promised, which `read` takes for the end.
    """
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
        if block.strip(b"\0"):
            target.write(block)
        else:
            target.seek(len(block), os.SEEK_CUR)
    target.truncate()
    if getattr(source, "length", None):
        raise OSError("the connection was interrupted")
    if digest.hexdigest() != sha256:
        raise ValueError(f"its SHA-256 is {digest.hexdigest()}, wanted {sha256}")
    target.flush()
    os.fsync(target.fileno())


def let_go(owner: str, name: str, sha256: str | None, wanted: str | None) -> None:
    """Remove a file that no image of anybody's is any more."""
    if sha256 and sha256 != wanted and not used_by_others(owner, name, sha256):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path_of(sha256))
        with contextlib.suppress(OSError):
            os.rmdir(FOLDER)
