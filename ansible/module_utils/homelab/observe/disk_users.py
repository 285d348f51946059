"""Users of disk files: the domains that have a file, and the format that their definitions give it.

A guest writes whatever it likes into its raw disk, a header of qcow2 included. So a file's content is never asked for its format.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import libvirt_host, pool

# Elements of a disk with a file of their own, https://libvirt.org/formatdomain.html.
PARTS = ("backingStore", "mirror", "dataStore")


@dataclass(frozen=True)
class User:
    """A domain that has a file as its disk `target`, or, without `is_disk`, below that; a running one has it open if `is_live`.

    `format` is the one with which QEMU opens the file. Without a word in the definition that is raw, to libvirt as well.
    """

    domain: Any
    target: str
    file: str
    format: str
    is_disk: bool
    is_live: bool

    @property
    def name(self) -> str:
        """The domain's name."""
        return str(self.domain.name())


def users() -> list[User]:
    """Return the users of all disk files, in each definition: that of a domain's next start, then that of a running one."""
    flags = (libvirt_host.library().VIR_DOMAIN_XML_INACTIVE, 0)
    return [user for domain in libvirt_host.connection().listAllDomains() for one in flags for user in _uses(domain, one)]


def users_of(path: str, among: Iterable[User] | None = None) -> list[User]:
    """Return the users of a file, of those `among` which to look, or of all. A running domain's use of it hides that of its next start."""
    found = [user for user in (users() if among is None else among) if is_same(user.file, path)]
    return list({(one.name, one.target, one.format, one.is_disk): one for one in found}.values())


def _uses(domain: Any, flags: int) -> Iterator[User]:
    """Return the files of one definition of a domain."""
    is_live = flags == 0 and bool(domain.isActive())
    # One that has ended since it was listed has no disks.
    text = libvirt_host.found(partial(domain.XMLDesc, flags), libvirt_host.NO_DOMAIN)
    for disk in ET.fromstring(text or "<domain/>").findall("devices/disk"):
        target = disk.find("target")
        name = "" if target is None else target.get("dev", "")
        images = [(disk, "driver", True), *((part, "format", False) for tag in PARTS for part in disk.iter(tag))]
        for element, tag, is_disk in images:
            form, file = element.find(tag), _file_of(element.find("source"))
            if file:
                yield User(domain, name, file, "raw" if form is None else form.get("type", "raw"), is_disk, is_live)


def _file_of(source: ET.Element | None) -> str:
    """Return the file that a <source> names, by its path or as a volume of a pool; '' where it is none."""
    if source is None:
        return ""
    if source.get("pool"):
        found = pool.lookup(source.get("pool", ""))
        return "" if found is None else os.path.join(pool.path_of(found), source.get("volume", ""))
    return source.get("file") or ""


def is_same(one: str, other: str) -> bool:
    """Return whether two paths lead to one file, through links of either kind."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
