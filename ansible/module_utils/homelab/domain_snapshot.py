"""What a writer does with `snapshot: true`: disks and definition as they were, kept while a restarted guest has yet to become ready.

The disks' part is a snapshot of libvirt's (https://libvirt.org/formatsnapshot.html), taken and put back while the domain is shut off.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import domain_xml, libvirt_host
from .domain_xml import Element
from .kind import Unit

TAG = "homelab-before"


class PutBack(RuntimeError):
    """A guest did not become ready with its change, and is as it was."""


@contextlib.contextmanager
def kept(domain: Any, root: Element) -> Iterator[None]:
    """Put a shut-off domain back to a definition, and its disks to what they are now, when what is done with it fails.

    Raises PutBack in place of what failed. What was kept is let go of once all is well, either way.
    """
    try:
        take(domain, root)
    except libvirt_host.library().libvirtError as failure:
        define(root).create()
        raise PutBack(f"no snapshot can be taken, so nothing was changed: {failure}") from failure
    try:
        yield
    except Exception as failure:
        with contextlib.suppress(libvirt_host.library().libvirtError):
            domain.destroy()
        put_back(domain, root)
        drop(domain, root)
        raise PutBack(f"{failure}\nIt was put back as it was before this change, disks and all.") from failure
    drop(domain, root)


def take(domain: Any, root: Element) -> None:
    """Keep disks and firmware's memory. Raises libvirtError where libvirt cannot, such as for raw disks."""
    drop(domain, root)
    domain.snapshotCreateXML(f"<domainsnapshot><name>{TAG}</name></domainsnapshot>", 0)
    for nvram, copy in nvram_of(root):
        if nvram.exists():
            shutil.copy2(nvram, copy)


def put_back(domain: Any, root: Element) -> None:
    """Disks, firmware's memory and definition; then it runs again."""
    domain.revertToSnapshot(domain.snapshotLookupByName(TAG))
    for nvram, copy in nvram_of(root):
        if copy.exists():
            shutil.copy2(copy, nvram)
    define(root).create()


def define(root: Element) -> Any:
    """The domain with a definition that it had."""
    return libvirt_host.connection().defineXMLFlags(domain_xml.render(root), 0)


def drop(domain: Any, root: Element) -> None:
    """Let go of what was kept, also while the guest runs. With a snapshot left behind a domain is neither renamed nor undefined."""
    for snapshot in domain.listAllSnapshots():
        if snapshot.getName() == TAG:
            snapshot.delete()
    for _, copy in nvram_of(root):
        copy.unlink(missing_ok=True)


def nvram_of(root: Element) -> list[tuple[Path, Path]]:
    """The file in which a domain's firmware remembers, and where it is kept."""
    path = root.findtext("os/nvram")
    return [(Path(path), Path(f"{path}.{TAG}"))] if path else []


def lacking(unit: Unit) -> list[str]:
    """Why no snapshot can be taken of a unit's domain."""
    raw = [disk["target"] for disk in unit["disks"] if disk["device"] == "disk" and disk["format"] != "qcow2"]
    return [f"snapshot needs volumes of format qcow2, and {', '.join(raw)} is not"] if raw and unit["snapshot"] else []
