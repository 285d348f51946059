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


def make(resource: Resource, owner: str, uuid: str, user_data: str | None = None) -> None:
    """Create a domain's seed as configured, if it has one. `user_data` is that of the vault. Raise OSError or CommandError."""
    name = resource["name"]
    if "cloud_init" in resource and cloud_init.differences(resource, owner, uuid):
        make_key(name, owner)
        private, public = (system.read_text(path) or "" for path in (cloud_init.key_of(name, owner), cloud_init.public_of(name, owner)))
        files = cloud_init.files_of(resource, uuid, private, public, user_data)
        write(cloud_init.path_of(name), files)
        made = {"image": hashlib.sha256(cloud_init.path_of(name).read_bytes()).hexdigest(), "files": cloud_init.digests(resource, files)}
        system.write_text(cloud_init.made_of(name, owner), json.dumps(made, indent=1) + "\n", mode=0o600)


def make_key(name: str, owner: str) -> None:
    """Create a host key where there is none. An existing key stays: an installed guest has it, and others know the guest by it.

    A power cut may leave a file without its content; that is no key. Raise RuntimeError where a guest may have the real one.
    """
    if reason := lost_key(name, owner):
        raise RuntimeError(reason)
    key, public = cloud_init.key_of(name, owner), cloud_init.public_of(name, owner)
    system.make_folder(key.parent, mode=0o700)
    known = public_part(system.read_text(key))
    if not known:
        with system.scratch_folder() as folder:
            system.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / "key")])
            made = system.read_text(folder / "key") or ""
        known = public_part(made)
        system.write_text(key, made, mode=0o600)
    if (system.read_text(public) or "").split()[:2] != known.split()[:2]:
        system.write_text(public, known)


def rejections(resource: Resource, owner: str) -> list[str]:
    """Return why a domain cannot have its seed: the host key that its guest has is lost, under its present name or its former one."""
    names = [resource["name"], *([resource["renamed_from"]] if "renamed_from" in resource else [])]
    return [reason for name in names if "cloud_init" in resource and (reason := lost_key(name, owner))]


def lost_key(name: str, owner: str) -> str:
    """Return why a guest's host key can neither be used nor be replaced, else ''. A guest may have booted with any seed that was made."""
    key, made = cloud_init.key_of(name, owner), cloud_init.made_of(name, owner)
    if not made.exists() or public_part(system.read_text(key)):
        return ""
    return (
        f"{key} is missing or no SSH key, and guest {name} may have booted with the real one. Restore it from a backup, or copy "
        f"/etc/ssh/ssh_host_ed25519_key of the guest there. If the guest never ran, or is to be installed anew, remove {made}"
    )


def public_part(private: str | None) -> str:
    """Return the public part of a private key, '' where a text is none (ssh-keygen(1))."""
    if not private:
        return ""
    with system.scratch_folder() as folder:
        system.write_text(folder / "key", private, mode=0o600)
        done = system.run(["ssh-keygen", "-y", "-P", "", "-f", str(folder / "key")], check=False)
    return done.stdout if done.returncode == 0 else ""


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
            system.sync(scratch)
            os.rename(scratch, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)


def forget(name: str, owner: str) -> None:
    """Remove a seed; the key stays."""
    for path in (cloud_init.path_of(name), cloud_init.made_of(name, owner)):
        path.unlink(missing_ok=True)
