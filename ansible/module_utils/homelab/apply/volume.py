"""Applies volumes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from ..core import records, sizes, system
from ..core.disk_space import DiskSpace
from ..core.observer import Resource
from ..core.sizes import MIB
from ..observe import image, libvirt_host, pool
from ..observe.disk_users import User, users, users_of
from ..observe.volume import Volume, bytes_of, format_of, info_of, is_there, other_format, path_of
from .volume_users import file_of, forget, remove_unfinished, unfinished_of
from .writer import Change, Errors, Writer

COPY_SECONDS = 3600


class VolumeWriter(Volume, Writer):
    """Makes volumes, and grows them. None is ever written over, made smaller or, without the user's word, removed."""

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        if lacking := libvirt_host.lacking(self.name_of(resource) for resource in resources):
            return lacking
        reasons = {self.name_of(resource): missing_prerequisites_of(resource, owner) for resource in resources}
        return {name: reason for name, reason in reasons.items() if reason}

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        found = users() if any(is_there(resource) for resource in resources) else []
        reasons = {self.name_of(resource): refusal(resource, found) for resource in resources}
        return {name: reason for name, reason in reasons.items() if reason} | no_room(
            [resource for resource in resources if is_copy(resource)], owner
        )

    def removal_blockers(self, names: Sequence[str], owner: str) -> Errors:
        mine = records.names(owner, "domain")
        to_remove = {name: records.read(owner, self.kind, name) or {} for name in names}
        return libvirt_host.each({name: partial(file_of, record, leaving=mine) for name, record in to_remove.items()})

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        return libvirt_host.each({change.seen.name: partial(ensure, change.resource, owner) for change in changes})

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        to_remove = {name: records.read(owner, self.kind, name) or {} for name in names}
        return libvirt_host.each({name: partial(forget, record) for name, record in to_remove.items()})


def missing_prerequisites_of(resource: Resource, owner: str) -> str:
    """Return what a volume needs that does not exist."""
    path = path_of(resource)
    if path is None:
        return f"there is no pool {resource['pool']} yet; `pools` makes it"
    if os.path.lexists(path):
        return ""
    if reason := pool.moved(resource["pool"]):
        return reason
    if "image" in resource and image.named(resource["image"], owner) is None:
        return f"there is no image {resource['image']} yet; `images` makes it"
    return ""


def refusal(resource: Resource, disk_users: Sequence[User]) -> str:
    """Return why an existing volume cannot become what is configured; '' when it can."""
    path = path_of(resource)
    if path is None or not os.path.lexists(path):
        return ""
    if reason := other_format(resource, path, disk_users):
        return reason
    try:
        info = info_of(path, resource["format"])
    except system.CommandError as error:
        return str(error)
    mine = users_of(path, disk_users)
    is_known = mine or format_of(f"{resource['pool']}/{resource['name']}")
    if not is_known and (other := image.refers_to(info)):
        return f"{path} refers to {other}, and whoever wrote it may have it read any file of this host. Use a volume without a backing file"
    if info["virtual-size"] > bytes_of(resource):
        return f"{path} is larger than {resource['size']}, and a volume is never made smaller: declare its size"
    return refusal_to_grow(path, resource, info, mine) if info["virtual-size"] < bytes_of(resource) else ""


def is_copy(resource: Resource) -> bool:
    """Whether a volume is yet to be made, as a copy of an image."""
    path = path_of(resource)
    return "image" in resource and path is not None and not os.path.lexists(path)


def no_room(resources: Sequence[Resource], owner: str) -> Errors:
    """Return the copies that are larger than their volume, or than the space that the others before them leave."""
    errors: Errors = {}
    space = DiskSpace()
    for resource in resources:
        try:
            source = str(source_of(resource, owner))
            needed = data_of(source, resource)
        except (OSError, system.CommandError) as error:
            errors[f"{resource['pool']}/{resource['name']}"] = str(error)
            continue
        if lacking := space.shortage(os.path.dirname(str(path_of(resource))), needed):
            reason = f"image {resource['image']} takes {lacking}"
            if image.info_of(source)["format"] != "qcow2":
                reason += "; of a raw image all counts that is no hole (fallocate -d makes some)"
            errors[f"{resource['pool']}/{resource['name']}"] = reason
    return errors


def data_of(path: str, resource: Resource) -> int:
    """How many bytes a volume takes at first as a copy of an image, also where that is compressed (qemu-img(1), measure).

    Raises OSError when the image is larger than the volume, or CommandError.
    """
    info = image.info_of(path)
    if info["virtual-size"] > bytes_of(resource):
        least = sizes.shown(-(-info["virtual-size"] // MIB) * MIB)
        raise OSError(f"image {resource['image']} is larger than {resource['size']}; declare at least {least}")
    if info["format"] != "qcow2":
        # Other zeros than its holes are not copied either (qemu-img(1), convert -S), but to know of them it would have to be read.
        return image.data_of(path)
    measured = system.run(["qemu-img", "measure", "-U", "-f", "qcow2", "-O", "qcow2", "--output=json", path]).stdout
    return int(json.loads(measured)["required"])


def refusal_to_grow(path: str, resource: Resource, info: dict[str, Any], disk_users: Iterable[User]) -> str:
    """Return why a volume must not grow as a guest has it now; `disk_users` are its own."""
    for user in disk_users:
        if not user.is_disk:
            return f"{path} is below a snapshot that {user.name} has; merge that first (virsh blockcommit)"
        if user.is_live and user.domain.blockInfo(user.target)[0] > bytes_of(resource):
            return f"{user.name} has {path} as a disk larger than {resource['size']}, and a volume is never made smaller: declare its size"
    if "backing-filename" in info and "backing-filename-format" not in info:
        return f"{path} does not record the format of its {image.refers_to(info)}; record that first (qemu-img rebase -u -F), or merge them"
    return ""


def ensure(resource: Resource, owner: str) -> None:
    """Make a volume or grow it. Raises OSError, CommandError or libvirtError; what was begun is then not left behind."""
    path = path_of(resource)
    if path is None:
        return
    remove_unfinished(path)
    if not os.path.lexists(path):
        make(resource, path, source_of(resource, owner))
    elif other_format(resource, path, users()):
        # A domain got it while the lock was waited for; the check of the result reports it.
        return
    elif info_of(path, resource["format"])["virtual-size"] < bytes_of(resource):
        grow(path, resource)
    if (target := pool.lookup(resource["pool"])) is not None:
        target.refresh(0)


def source_of(resource: Resource, owner: str) -> str | None:
    """The image that a new volume is a copy of; None for an empty one. Raises OSError where it is not there."""
    if "image" not in resource:
        return None
    found = image.named(resource["image"], owner)
    if found is None:
        raise OSError(f"there is no image {resource['image']}")
    return str(found)


def make(resource: Resource, path: str, source: str | None) -> None:
    """A new volume, of an image or empty: whole or not at all, under its name only when it is done."""
    scratch = unfinished_of(path)
    try:
        if source:
            form = image.info_of(source)["format"]
            system.run(["qemu-img", "convert", "-f", form, "-O", resource["format"], source, scratch], timeout=COPY_SECONDS)
            system.run(["qemu-img", "resize", "-q", "-f", resource["format"], scratch, str(bytes_of(resource))])
        else:
            system.run(["qemu-img", "create", "-q", "-f", resource["format"], scratch, str(bytes_of(resource))])
        os.chmod(scratch, 0o600)
        system.sync(scratch)
        # Never over a file that came meanwhile.
        os.link(scratch, path)
        system.sync(os.path.dirname(path))
    finally:
        remove_unfinished(path)


def grow(path: str, resource: Resource) -> None:
    """A larger size, seen at once by the guest that uses it."""
    user = next((one for one in users_of(path) if one.is_disk and one.is_live), None)
    if user is None:
        system.run(["qemu-img", "resize", "-q", "-f", resource["format"], path, str(bytes_of(resource))])
    else:
        user.domain.blockResize(user.target, bytes_of(resource), libvirt_host.library().VIR_DOMAIN_BLOCK_RESIZE_BYTES)
