"""What a writer does with `snapshot: true`: disks and definition as they were, kept while a restarted guest has yet to become ready.

The disks are in a libvirt snapshot (https://libvirt.org/formatsnapshot.html), taken and restored while the domain is shut off.
The definition is a file beside the records until the guest is ready, so that the next run continues an interrupted one.
"""

from __future__ import annotations

import contextlib
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...core import records, system
from ...core.observer import Resource
from ...core.rollback import store
from ...observe import libvirt_host
from ...observe.domain import definition, edit
from ...observe.domain.definition import Element

TAG = "homelab-before"


class RolledBack(RuntimeError):
    """A guest did not become ready with its change, and is as it was."""


@contextlib.contextmanager
def rollback_on_failure(domain: Any, root: Element, owner: str, ran: bool, taken: bool) -> Iterator[None]:
    """Put a shut-off domain back to a definition, and its disks to what they are now, when what is done with it fails.

    `ran`: start it then, too. Raise RolledBack in place of the failure. The snapshot is dropped once the guest is ready or rolled back.
    With `taken`, an earlier run took the snapshot: the rollback is to before that.
    """
    # A domain that was renamed meanwhile keeps its new name.
    root = edit.named(root, domain.name())
    if not taken:
        try:
            take(domain, root)
            remember(domain, root, owner)
        except (libvirt_host.library().libvirtError, OSError) as failure:
            drop(domain, root, owner)
            define(root)
            if ran:
                domain.create()
            raise RolledBack(f"no snapshot can be taken, so nothing was changed: {failure}") from failure
    try:
        yield
    except Exception as failure:
        put_back(domain, root, owner, ran)
        raise RolledBack(f"{failure}\nIt was rolled back to before this change, disks included.") from failure
    drop(domain, root, owner)


@contextlib.contextmanager
def report_stale_snapshot(domain: Any) -> Iterator[None]:
    """Report an old snapshot when the guest is not ready: restoring it would lose what was written since.

    Raises RuntimeError in place of what failed.
    """
    try:
        yield
    except Exception as failure:
        if not is_taken(domain):
            raise
        since = f"Its disks from before an earlier, interrupted change are in snapshot {TAG}, and were not restored:"
        raise RuntimeError(f"{failure}\n{since} it may have worked since (virsh snapshot-revert does).") from failure


def remember(domain: Any, root: Element, owner: str) -> None:
    """Keep a definition as the one to go back to, before another one is written."""
    path = file_of(domain, owner)
    system.make_folder(path.parent, mode=0o700)
    system.write_text(path, definition.render(root), mode=0o600)


def is_taken(domain: Any) -> bool:
    """Return whether a run took a snapshot that still exists."""
    return TAG in domain.snapshotListNames()


def age(domain: Any) -> float:
    """Return how many seconds ago the snapshot was taken, by a clock that nobody sets; infinity before this boot, or where that is unknown.

    Snapshots of version 0.1.0 have only the time of day.
    """
    text = definition.parse(domain.snapshotLookupByName(TAG).getXMLDesc()).findtext("description") or ""
    taken = re.fullmatch(r"boot (\S+), ([0-9]{1,12}) s", text.strip())
    if taken is None or taken[1] != store.boot():
        return math.inf
    seconds = store.uptime() - int(taken[2])
    return seconds if seconds >= 0 else math.inf


def begun(domain: Any, owner: str) -> Element | None:
    """Return the definition to which an interrupted run would have rolled back; None when there was none."""
    text = system.read_text(file_of(domain, owner))
    return definition.parse(text) if text else None


def file_of(domain: Any, owner: str) -> Path:
    """Where the definition lies meanwhile."""
    return records.ROOT / owner / "before" / f"{domain.UUIDString()}.xml"


def take(domain: Any, root: Element) -> None:
    """Keep disks and firmware's memory. Raises libvirtError where libvirt cannot, such as for raw disks."""
    _forget(domain, root)
    when = f"boot {store.boot()}, {int(store.uptime())} s"
    domain.snapshotCreateXML(f"<domainsnapshot><name>{TAG}</name><description>{when}</description></domainsnapshot>", 0)
    for nvram, copy in nvram_of(root):
        if nvram.exists():
            shutil.copy2(nvram, copy)


def put_back(domain: Any, root: Element, owner: str, ran: bool) -> None:
    """Disks, firmware's memory and definition; then it runs again, if it did.

    The snapshot goes before that: libvirt deletes none of a domain that runs with another CD than it had then.
    """
    if domain.isActive():
        domain.destroy()
    domain.revertToSnapshot(domain.snapshotLookupByName(TAG))
    for nvram, copy in nvram_of(root):
        if copy.exists():
            shutil.copy2(copy, nvram)
    _forget(domain, root)
    define(root)
    _remove(domain, owner)
    if ran:
        domain.create()


def define(root: Element) -> Any:
    """The domain with a definition that it had."""
    return libvirt_host.connection().defineXMLFlags(definition.render(root), 0)


def drop(domain: Any, root: Element, owner: str) -> None:
    """Drop the snapshot, also while the guest runs. A domain with a snapshot can neither be renamed nor undefined."""
    _forget(domain, root)
    _remove(domain, owner)


def _remove(domain: Any, owner: str) -> None:
    system.remove_file(file_of(domain, owner), empty_parents_below=records.ROOT)


def others(domain: Any) -> list[str]:
    """The names of the snapshots and checkpoints that somebody else has of a domain."""
    return [one.getName() for one in [*domain.listAllSnapshots(), *domain.listAllCheckpoints()] if one.getName() != TAG]


def _forget(domain: Any, root: Element) -> None:
    for snapshot in domain.listAllSnapshots():
        if snapshot.getName() == TAG:
            snapshot.delete()
    for _, copy in nvram_of(root):
        copy.unlink(missing_ok=True)


def nvram_of(root: Element) -> list[tuple[Path, Path]]:
    """The file in which a domain's firmware remembers, and where it is kept."""
    path = root.findtext("os/nvram")
    return [(Path(path), Path(f"{path}.{TAG}"))] if path else []


def lacking(resource: Resource) -> list[str]:
    """Why no snapshot can be taken of a unit's domain."""
    raw = [disk["target"] for disk in resource["disks"] if disk["device"] == "disk" and disk["format"] != "qcow2"]
    return [f"snapshot needs volumes of format qcow2, and {', '.join(raw)} is not"] if raw and resource["snapshot"] else []
