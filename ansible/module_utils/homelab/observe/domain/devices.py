"""Defaults of a domain's disks and interfaces: files, names in the guest, MAC addresses."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Mapping, Sequence
from string import ascii_lowercase

from ...core.observer import Resource
from .. import volume
from ..addresses import Missing

# By the name in the guest.
BUSES = {"vd": "virtio", "sd": "sata", "hd": "ide"}


def disk_of(disk: Resource) -> Resource:
    """A disk with the file that it is, and its format. Raises Missing where its volume is not there."""
    known = {"target": disk["target"]} if "target" in disk else {}
    if "cdrom" in disk:
        return {**known, "device": "cdrom", "file": disk["cdrom"], "format": "raw"}
    pool, name = disk["volume"].split("/")
    path, form = volume.path_of({"pool": pool, "name": name}), volume.format_of(disk["volume"])
    if path is None or form is None or not os.path.exists(path):
        raise Missing(f"there is no volume {disk['volume']} yet; `volumes` makes it")
    return {**known, "device": "disk", "file": path, "format": form}


def bus_of(target: str) -> str:
    """The bus of a disk with this name in the guest."""
    return BUSES[target[:2]]


def with_targets(disks: Sequence[Resource], taken: Sequence[str], has: Mapping[str, str]) -> list[Resource]:
    """Disks, each with its file, with their names in the guest: the given one, else that under which the domain `has` the file
    already, else in their order what is free of vda, vdb … and for CDs of sda, sdb … Raises Missing when the letters are used up.
    """
    given = {*taken, *(disk["target"] for disk in disks if "target" in disk)}
    targets = {file: target for target, file in has.items() if file and target not in given}
    kept = [disk if "target" in disk or disk["file"] not in targets else {**disk, "target": targets.pop(disk["file"])} for disk in disks]
    used = {*given, *(disk["target"] for disk in kept if "target" in disk)}
    free = {prefix: iter([f"{prefix}{one}" for one in ascii_lowercase if f"{prefix}{one}" not in used]) for prefix in ("vd", "sd")}
    found = [disk if "target" in disk else {**disk, "target": next(free["sd" if disk["device"] == "cdrom" else "vd"], "")} for disk in kept]
    if any(not disk["target"] for disk in found):
        raise Missing(f"a guest has at most {len(ascii_lowercase)} disks of a kind")
    return found


def with_macs(interfaces: Sequence[Resource], has: Mapping[str, tuple[str, int | None]], identity: str) -> list[Resource]:
    """Interfaces with MAC addresses: the given one, else that of an interface which the domain `has` in the same VLAN, else of one
    that nobody wants, else a new one.

    A new one is made of the domain's UUID, so that it is the same on each run, and after a rename.
    """
    given = [one["mac"] for one in interfaces if "mac" in one]
    free = {mac: plug for mac, plug in has.items() if mac not in given}
    kept = [_with_mac(one, free) for one in interfaces]
    new = (mac_for(identity, number) for number in itertools.count())
    left = itertools.chain(list(free), (mac for mac in new if mac not in (*given, *has)))
    return [one if "mac" in one else {**one, "mac": next(left)} for one in kept]


def _with_mac(one: Resource, free: dict[str, tuple[str, int | None]]) -> Resource:
    """An interface with the MAC address of one that is plugged in as it is to be, which then is no longer free."""
    plug = (one["bridge"], one.get("vlan"))
    mac = one.get("mac") or next((mac for mac, where in free.items() if where == plug), None)
    free.pop(mac or "", None)
    return one if mac is None else {**one, "mac": mac}


def mac_for(identity: str, number: int) -> str:
    """A MAC address of QEMU's range."""
    digits = hashlib.sha256(f"{identity}/{number}".encode()).hexdigest()
    return ":".join(["52:54:00", digits[0:2], digits[2:4], digits[4:6]])
