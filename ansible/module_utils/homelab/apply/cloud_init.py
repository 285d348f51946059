"""How a writer makes a domain's seed, and its SSH host key."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from ..core import system
from ..core.observer import Resource
from ..observe import cloud_init


def make(resource: Resource, owner: str, uuid: str) -> None:
    """Create a domain's seed as configured, if it has one. Raise OSError or CommandError."""
    name = resource["name"]
    if "cloud_init" in resource and cloud_init.differences(resource, owner, uuid):
        make_key(name, owner)
        private, public = (system.read_text(path) or "" for path in (cloud_init.key_of(name, owner), cloud_init.public_of(name, owner)))
        files = cloud_init.files_of(resource, uuid, private, public)
        write(cloud_init.path_of(name), files)
        made = {"image": hashlib.sha256(cloud_init.path_of(name).read_bytes()).hexdigest(), "files": cloud_init.digests(files)}
        system.write_text(cloud_init.made_of(name, owner), json.dumps(made, indent=1) + "\n", mode=0o600)


def make_key(name: str, owner: str) -> None:
    """Create a host key where there is none. An existing key stays: an installed guest has it, and others know the guest by it."""
    key, public = cloud_init.key_of(name, owner), cloud_init.public_of(name, owner)
    system.make_folder(key.parent, mode=0o700)
    if not key.exists():
        system.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)])
    if not public.exists():
        system.write_text(public, system.run(["ssh-keygen", "-y", "-f", str(key)]).stdout)


def copy_key(old: str, new: str, owner: str) -> None:
    """Have the host key of a domain under the name that it is about to get, too."""
    for of, mode in ((cloud_init.key_of, 0o600), (cloud_init.public_of, 0o644)):
        if (text := system.read_text(of(old, owner))) is not None:
            system.write_text(of(new, owner), text, mode=mode)


def forget_key(name: str, owner: str) -> None:
    """Remove a host key."""
    for path in (cloud_init.key_of(name, owner), cloud_init.public_of(name, owner)):
        path.unlink(missing_ok=True)


def write(path: Path, files: dict[str, str]) -> None:
    """Write an image that a guest sees whole, and that only root and QEMU can read."""
    with system.scratch_folder() as folder:
        for name, text in files.items():
            system.write_text(folder / name, text, mode=0o600)
        # A fixed name, so that the next run replaces what an interrupted one left; genisoimage keeps the mode of an existing file.
        scratch = str(path.with_name(f".homelab-{path.name}"))
        system.write_text(scratch, "", mode=0o600)
        try:
            system.run(
                [
                    "genisoimage",
                    "-quiet",
                    "-volid",
                    "cidata",
                    "-joliet",
                    "-rock",
                    "-output",
                    scratch,
                    *(str(folder / name) for name in files),
                ]
            )
            os.chmod(scratch, 0o600)
            os.rename(scratch, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)


def forget(name: str, owner: str) -> None:
    """Remove a seed; the key stays."""
    for path in (cloud_init.path_of(name), cloud_init.made_of(name, owner)):
        path.unlink(missing_ok=True)
