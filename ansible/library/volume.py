#!/usr/bin/python
"""Ansible module: applies a list of volumes. Its options are those of role volume."""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.homelab import libvirt_host, pool, records, system
from ansible.module_utils.homelab.module import Change, Errors, Writer, run_module
from ansible.module_utils.homelab.volume import Volume, bytes_of, info_of, path_of

COPY_SECONDS = 3600


class VolumeWriter(Volume, Writer):
    """Makes volumes, and grows them. None is ever written over, made smaller or, without the user's word, removed."""

    def lacks(self, units: Sequence, owner: str) -> Errors:
        if lacking := libvirt_host.lacking(self.name_of(unit) for unit in units):
            return lacking
        return {self.name_of(unit): f"there is no pool {unit['pool']}; declare it in `pools`" for unit in units if path_of(unit) is None}

    def refuse(self, units: Sequence, owner: str) -> Errors:
        reasons = {self.name_of(unit): refusal(unit) for unit in units}
        return {name: reason for name, reason in reasons.items() if reason}

    def disruption(self, change: Change) -> str:
        return "live"

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        return libvirt_host.each({change.seen.name: lambda unit=change.unit: bring(unit) for change in changes})

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        going = {name: records.read(owner, self.kind, name) or {} for name in names}
        return libvirt_host.each({name: lambda record=record: forget(record) for name, record in going.items()})


def refusal(unit: dict) -> str:
    """Why a volume that is there cannot become what its unit says; nothing when it can."""
    path = path_of(unit)
    if path is None or not os.path.lexists(path):
        return ""
    info = info_of(path)
    if info["format"] != unit["format"]:
        return f"{path} is {info['format']}, and a volume's format does not change: declare that, or another volume"
    if info["virtual-size"] > bytes_of(unit):
        return f"{path} is larger than {unit['size']}, and a volume is never made smaller: declare its size"
    return ""


def bring(unit: dict) -> None:
    """Make a volume or grow it. Raises OSError, CommandError or libvirtError; what was begun is then not left behind."""
    path = path_of(unit)
    if path is None:
        return
    if not os.path.lexists(path):
        make(unit, path)
    elif info_of(path)["virtual-size"] < bytes_of(unit):
        grow(path, bytes_of(unit))
    pool.lookup(unit["pool"]).refresh(0)


def make(unit: dict, path: str) -> None:
    """A new volume: whole or not at all, under its name only when it is done."""
    scratch = f"{os.path.dirname(path)}/.homelab-{os.path.basename(path)}"
    try:
        if unit.get("image"):
            system.run(["qemu-img", "convert", "-O", unit["format"], unit["image"], scratch], timeout=COPY_SECONDS)
            if info_of(scratch)["virtual-size"] > bytes_of(unit):
                raise OSError(f"the image is larger than {unit['size']}")
            system.run(["qemu-img", "resize", "-q", "-f", unit["format"], scratch, str(bytes_of(unit))])
        else:
            system.run(["qemu-img", "create", "-q", "-f", unit["format"], scratch, str(bytes_of(unit))])
        os.chmod(scratch, 0o600)
        # Never over a file that came meanwhile.
        os.link(scratch, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)


def grow(path: str, size: int) -> None:
    """A larger size, seen at once by the guest that uses it."""
    user = user_of(path)
    if user is None:
        system.run(["qemu-img", "resize", "-q", "-f", info_of(path)["format"], path, str(size)])
    else:
        domain, target = user
        domain.blockResize(target, size, libvirt_host.library().VIR_DOMAIN_BLOCK_RESIZE_BYTES)


def user_of(path: str) -> tuple[Any, str] | None:
    """The running domain that has this file as a disk, and the disk's name in it."""
    for domain in libvirt_host.connection().listAllDomains(libvirt_host.library().VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        for disk in ET.fromstring(domain.XMLDesc(0)).findall("devices/disk"):
            source, target = disk.find("source"), disk.find("target")
            if source is not None and target is not None and source.get("file") == path:
                return domain, target.get("dev", "")
    return None


def forget(record: records.Record) -> None:
    """Remove a volume's file where the user said so; it stays otherwise. Raises OSError while a guest runs on it."""
    path = record.get("path")
    if record.get("on_delete") != "destroy" or not path:
        return
    if (user := user_of(path)) is not None:
        raise OSError(f"{path} is in use by domain {user[0].name()}; shut that off first")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


if __name__ == "__main__":
    run_module(VolumeWriter())
