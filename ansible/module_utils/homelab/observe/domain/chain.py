"""Files below a domain's disks, and the formats that its definitions give them.

libvirt's definition of a running domain has the whole chain (<backingStore>). That of a domain that is shut off has none; the header
of a qcow2 file is read then, which QEMU wrote and no guest can. Nothing at or below a raw file is read: a guest wrote that.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

from ...core import system
from .. import volume
from .definition import Element, attribute, target_of

# A longer chain is a loop.
MOST = 64


def files_below(disk: Element) -> list[str]:
    """Return the files of which a disk's file is a snapshot, from the top."""
    part = disk.find("backingStore")
    if part is None:
        return list(_by_headers(attribute(disk, "source", "file"), format_of(disk)))
    files = []
    while part is not None:
        files.append(attribute(part, "source", "file"))
        part = part.find("backingStore")
    return [file for file in files if file]


def format_of(disk: Element) -> str:
    """Return the format with which QEMU opens a disk. Without a word in the definition that is raw, to libvirt as well."""
    return attribute(disk, "driver", "type") or "raw"


def _by_headers(path: str, form: str) -> Iterator[str]:
    for _ in range(MOST):
        # Only a plain file is opened: another name in a header may be a server's.
        if form != "qcow2" or not os.path.isabs(path) or not os.path.isfile(path):
            return
        try:
            info = volume.info_of(path, form)
        except system.CommandError:
            return
        path, form = info.get("full-backing-filename", ""), info.get("backing-filename-format", "")
        if path:
            yield path


def on_snapshots(files: Collection[str], has: Element) -> list[str]:
    """Return the disks that are snapshots of these files: going back would lose what was written since."""
    found = []
    for disk in has.findall("devices/disk"):
        file = attribute(disk, "source", "file")
        below = [one for one in files_below(disk) if one in files] if file and file not in files else []
        found += [f"{target_of(disk)} is {file}, a snapshot of {one}; merge it first (virsh blockcommit)" for one in below]
    return found


def formats_changed(wanted: Iterable[tuple[str, str]], has: Element) -> list[str]:
    """Return why disks, each a file and its format, must not get that format: the domain has the file with another one.

    What a guest wrote into its raw disk would be read as a header otherwise, with any file of the host as its backing file.
    """
    formats = {attribute(disk, "source", "file"): (target_of(disk), format_of(disk)) for disk in has.findall("devices/disk")}
    return [
        f"{formats[file][0]} is {file} as {formats[file][1]}, wanted {form}, and a guest can write what looks like another format. "
        f"Declare the volume with `format: {formats[file][1]}`, or correct the domain's <driver type> while it is shut off"
        for file, form in wanted
        if file in formats and formats[file][1] != form
    ]
