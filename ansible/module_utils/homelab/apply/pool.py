"""Applies storage pools."""

from __future__ import annotations

import contextlib
import os
import stat
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import partial
from pathlib import PurePath

from ..core import records, system
from ..core.observer import Resource
from ..observe import libvirt_host
from ..observe.pool import MODE, Pool, lookup, lost, moved, path_of, type_of
from ..observe.service_user import find
from .writer import Change, Errors, Writer

# Debian's, as whom libvirt has guests run (/etc/libvirt/qemu.conf).
QEMU_USER = "libvirt-qemu"


class PoolWriter(Pool, Writer):
    """Writes pools. The files in their folders are never changed."""

    def missing_prerequisites(self, resources: Sequence[Resource], owner: str) -> Errors:
        return libvirt_host.lacking(self.name_of(resource) for resource in resources)

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        reasons = {resource["name"]: unfit_folder(resource["path"]) or refusal(resource) for resource in resources}
        return {name: reason for name, reason in reasons.items() if reason}

    def needed_by(self, name: str) -> list[records.Recorded]:
        """Its volumes, whoever owns them."""
        return records.everything(["volume"], f"{name}/")

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        return libvirt_host.each({change.seen.name: partial(ensure, change.resource) for change in changes})

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        return libvirt_host.each({name: partial(forget, name) for name in names})


def refusal(resource: Resource) -> str:
    """Return why an existing pool cannot become what is configured; '' when it can."""
    pool = lookup(resource["name"])
    if pool is None:
        other = next((one.name() for one in libvirt_host.pools() if type_of(one) == "dir" and path_of(one) == resource["path"]), None)
        return f"{resource['path']} is the folder of libvirt's pool {other} already; declare that one, with `adopt: true`" if other else ""
    if type_of(pool) != "dir":
        return f"libvirt has a pool {resource['name']} of type {type_of(pool)}; pools of type dir are declared, so take another name"
    if path_of(pool) != resource["path"]:
        return f"a pool's path does not change, since its volumes lie there: it is {path_of(pool)}; declare another pool"
    return lost(resource["name"]) if resource.get("adopt") else moved(resource["name"])


def unfit_folder(path: str) -> str:
    """Why a folder cannot hold guests' disks."""
    if strange := strange_parent(path):
        return f"{strange} is not root's alone, so others could exchange {path}; take a folder below /srv, or give that to root"
    if closed := closed_folder(path):
        return f"QEMU's user {QEMU_USER} cannot enter {closed}, where guests' disks are to lie; allow it with chmod o+x {closed}"
    if not os.path.lexists(path):
        return ""
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        return f"{path} is no folder"
    if found.st_uid != 0 or found.st_mode & (stat.S_IWOTH | stat.S_ISVTX):
        return f"others than root can write in {path}; take a folder of its own for a pool"
    return ""


def strange_parent(path: str) -> str:
    """Return the first folder above a path that others than root can change, '' where there is none; sshd checks its paths so."""
    parents = [str(one) for one in reversed(PurePath(os.path.realpath(path)).parents) if os.path.isdir(one)]
    return next((one for one in parents if os.stat(one).st_uid != 0 or os.stat(one).st_mode & (stat.S_IWGRP | stat.S_IWOTH)), "")


def closed_folder(path: str) -> str:
    """The first folder on the way to a path that QEMU's user may not enter (path_resolution(7)); nothing where it may enter all."""
    account = find(QEMU_USER)
    if account is None:
        return ""
    there = [str(one) for one in reversed([PurePath(path), *PurePath(path).parents]) if os.path.isdir(one)]
    # Unlike runuser(1) it opens no session, which would be logged.
    may_enter = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups", "test", "-x"]
    return next((one for one in there if system.run([*may_enter, one], check=False).returncode != 0), "")


def ensure(resource: Resource) -> None:
    """Bring one pool in sync. Raise libvirtError or OSError."""
    system.make_folder(resource["path"], mode=MODE)
    pool = lookup(resource["name"])
    if pool is None:
        root = ET.Element("pool", type="dir")
        ET.SubElement(root, "name").text = resource["name"]
        ET.SubElement(ET.SubElement(root, "target"), "path").text = resource["path"]
        pool = libvirt_host.connection().storagePoolDefineXML(ET.tostring(root, encoding="unicode"), 0)
    if not pool.isActive():
        pool.create(0)
    pool.setAutostart(1)


def forget(name: str) -> None:
    """Stop a pool and take it out of libvirt; its folder goes when it is empty. Raises libvirtError."""
    if (pool := lookup(name)) is None:
        return
    path = path_of(pool)
    if pool.isActive():
        pool.destroy()
    pool.undefine()
    with contextlib.suppress(OSError):
        os.rmdir(path)
