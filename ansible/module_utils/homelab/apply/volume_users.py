"""Users of a volume's file, and whether it may be removed."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ..core import records
from ..observe import libvirt_host, pool
from ..observe.volume import inode_of


@dataclass(frozen=True)
class User:
    """A domain that has a file as its disk `target`, or, without `is_disk`, below that; a running one has it open if `is_live`."""

    domain: Any
    target: str
    is_disk: bool
    is_live: bool

    @property
    def name(self) -> str:
        """The domain's name."""
        return str(self.domain.name())


def users_of(path: str) -> list[User]:
    """The domains that have a file now, or when they start next."""
    inactive = libvirt_host.library().VIR_DOMAIN_XML_INACTIVE
    domains = libvirt_host.connection().listAllDomains()
    # A running domain's files come last, and so take precedence over those of its next start.
    found = [user for domain in domains for flags in (inactive, 0) for user in uses(domain, flags, path)]
    return list({(one.name, one.target, one.is_disk): one for one in found}.values())


def uses(domain: Any, flags: int, path: str) -> Iterator[User]:
    """The disks of one definition of a domain that a file is part of."""
    for disk in ET.fromstring(domain.XMLDesc(flags)).findall("devices/disk"):
        target, top = disk.find("target"), disk.find("source")
        for source in disk.iter("source"):
            if target is not None and is_file(source, path):
                yield User(domain, target.get("dev", ""), source is top, flags == 0 and bool(domain.isActive()))


def is_file(source: ET.Element, path: str) -> bool:
    """Whether a disk's <source> is this file, by its path, another path to it, or as a volume of a pool."""
    name = source.get("file") or ""
    if source.get("pool"):
        found = pool.lookup(source.get("pool", ""))
        name = "" if found is None else os.path.join(pool.path_of(found), source.get("volume", ""))
    return bool(name) and os.path.realpath(name) == os.path.realpath(path)


def forget(record: records.Record) -> None:
    """Remove a volume's file where `on_delete: destroy` was applied; otherwise it stays. Raise OSError while a guest uses it."""
    if path := file_of(record):
        os.unlink(path)


def file_of(record: records.Record, leaving: Collection[str] = ()) -> str | None:
    """Return the file to remove with a volume, if any. Raise OSError while a guest uses it that is not `leaving` itself."""
    path = record.get("path")
    if record.get("on_delete") != "destroy" or not path or not os.path.lexists(path):
        return None
    if record.get("inode") not in (None, inode_of(path)):
        raise OSError(f"{path} is another file than the one that was made; see to it by hand")
    if users := [user.name for user in users_of(path) if user.name not in leaving]:
        raise OSError(f"{path} is a disk of domain {users[0]}; take it out there first")
    return str(path)
