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
from typing import IO, Any

from ..core import records, system
from ..core.deadline import deadline
from ..core.disk_space import DiskSpace, left_in
from ..core.observer import Resource
from ..core.sizes import MIB
from ..observe.image import FOLDER, MODE, Image, data_of, hash_of, info_of, is_url, path_of, used_by_others
from .writer import Change, Errors, Writer

SILENCE_SECONDS = 60
FETCH_SECONDS = 3600
ANSWER_SECONDS = 15
MOST_REDIRECTS = 5
# In digits, of a length in bytes.
MOST_DIGITS = 18
# Stays free where images lie, in bytes: the host itself writes there.
RESERVE = 256 * MIB
# A run of zeros of this length becomes a hole, in bytes.
BLOCK = 64 * 1024


class ImageWriter(Image, Writer):
    """Fetches images. One that is there is never changed; another hash is another file."""

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        errors: Errors = {}
        space = DiskSpace(RESERVE)
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


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to few other places, by HTTP alone, and reads nothing of what it sends beside that."""

    max_redirections = max_repeats = MOST_REDIRECTS

    def redirect_request(self, *args: Any, **named: Any) -> urllib.request.Request | None:
        """By HTTPRedirectHandler's rules; the second argument is the answer, the last one is where to."""
        args[1].close()
        return super().redirect_request(*args, **named) if args[-1].startswith(("http://", "https://")) else None


class OutOfReach(Exception):
    """A source cannot be fetched; the text gives the reason."""


def size_of(source: str) -> int:
    """How much a source takes, in bytes, as far as that is known without fetching it; 0 when it is not. Raises OutOfReach."""
    if not is_url(source):
        if not os.path.isfile(source):
            raise OutOfReach(f"there is no file {source} on this host")
        return data_of(source)
    try:
        request = urllib.request.Request(source, method="HEAD")
        with deadline(ANSWER_SECONDS), urllib.request.build_opener(Redirects).open(request, timeout=ANSWER_SECONDS) as answer:
            length = answer.headers.get("Content-Length") or ""
    except urllib.error.HTTPError as error:
        error.close()
        # Some servers answer GET alone.
        if error.code in (403, 405, 501):
            return 0
        raise OutOfReach(f"{source} cannot be had: {error}") from error
    except (OSError, ValueError, HTTPException) as error:
        raise OutOfReach(f"{source} cannot be had: {error}") from error
    return int(length) if length.isdecimal() and len(length) <= MOST_DIGITS else 0


def ensure(resource: Resource) -> None:
    """Have one image, whole or not at all. Raises OSError, ValueError or CommandError."""
    path = path_of(resource["sha256"])
    if path.exists() and hash_of(path) == resource["sha256"]:
        os.chmod(path, MODE)
        return
    system.make_folder(FOLDER, mode=0o755)
    scratch = scratch_of(resource["sha256"])
    try:
        with deadline(FETCH_SECONDS), opened(resource["source"]) as source, open(scratch, "wb", opener=private) as target:
            copy(source, target, resource["sha256"])
        if shutil.which("qemu-img"):
            info_of(scratch)
        os.chmod(scratch, MODE)
        # An altered one is put aside by this; volumes are whole copies, so that nobody uses it.
        os.rename(scratch, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)


def scratch_of(sha256: str) -> str:
    """Return where an image lies until it is whole: a fixed name, so that the next run replaces what an interrupted one left."""
    return str(FOLDER / f".homelab-{sha256}")


def private(path: str, flags: int) -> int:
    """Open a file that nobody else reads."""
    return os.open(path, flags, 0o600)


def opened(source: str) -> IO[bytes]:
    """A source to read from."""
    if is_url(source):
        found: IO[bytes] = urllib.request.build_opener(Redirects).open(source, timeout=SILENCE_SECONDS)
        return found
    return open(source, "rb")


def copy(source: IO[bytes], target: IO[bytes], sha256: str) -> None:
    """Copy what has the hash, with holes for zeros, so that `data_of` is what copies of it take.

    Raise ValueError at another hash, and OSError where it does not fit, or where a server ends before it has sent what it announced, which
    `read` takes for the end.
    """
    digest = hashlib.sha256()
    # A server sends at most what it announced, which may differ from its answer to HEAD.
    if lacking := DiskSpace(RESERVE).shortage(FOLDER, getattr(source, "length", None) or 0):
        raise OSError(f"it is {lacking}")
    while block := source.read(BLOCK):
        digest.update(block)
        if block.strip(b"\0"):
            if left_in(FOLDER) < RESERVE + len(block):
                raise OSError(f"it is larger than the room in {FOLDER}, where {RESERVE // MIB} MiB stay free")
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
        for path in (path_of(sha256), scratch_of(sha256)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        with contextlib.suppress(OSError):
            os.rmdir(FOLDER)
