"""How a writer defines, renames and undefines domains. A definition that libvirt rejects changes nothing."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from ...core import records, system
from ...core.observer import Resource
from ...observe import libvirt_host
from ...observe.domain import chain, definition, edit
from ...observe.domain.observer import base_of, lookup, named, persistent, present
from .. import cloud_init
from . import snapshot
from .power import shut_down

# The form of a domain whose record is lost.
SHUTDOWN_SECONDS = 120

SCHEMA = "/usr/share/libvirt/schemas/domain.rng"


def saved(domain: Any) -> list[str]:
    """Return why a domain with saved memory must not be changed: that memory belongs to the present definition and disks."""
    if not domain.hasManagedSaveImage():
        return []
    name = domain.name()
    return [f"its memory is saved (virsh managedsave); start it with virsh start {name}, or drop it with virsh managedsave-remove {name}"]


def removal_blockers_of(name: str, owner: str) -> list[str]:
    """Return why a domain must not be undefined: memory or disks that only its definition leads to; nothing where there is none."""
    domain = named(name)
    if domain is None:
        return []
    return saved(domain) + chain.on_snapshots(records.paths(owner, "volume"), present(domain))


def disk_rejections(resource: Resource, domain: Any) -> list[str]:
    """Return why a domain must not get its disks: it runs on a snapshot of one, or has one with another format."""
    disks = [(one["file"], one["format"]) for one in resource["disks"] if one["device"] == "disk"]
    found = chain.on_snapshots([file for file, _ in disks], present(domain))
    return found + sorted({reason for has in (persistent(domain), present(domain)) for reason in chain.formats_changed(disks, has)})


def undefine(name: str, owner: str) -> None:
    """Shut a domain off and undefine it. Its volumes stay, and with them what its firmware and its TPM remember. Raises libvirtError or
    TimeoutError.
    """
    domain = named(name)
    if domain is not None and definition.owner_of(persistent(domain)) in (owner, None):
        record = records.read(owner, "domain", name) or {}
        if reasons := removal_blockers_of(name, owner):
            raise RuntimeError(reasons[0])
        shut_down(domain, record.get("shutdown_seconds", SHUTDOWN_SECONDS), record.get("force_off", False))
        snapshot.drop(domain, persistent(domain), owner)
        keep(persistent(domain), owner)
        library = libvirt_host.library()
        domain.undefineFlags(
            library.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
            | library.VIR_DOMAIN_UNDEFINE_KEEP_TPM
            | library.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
            | library.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        )
    cloud_init.forget(name, owner)


def rename(domain: Any, resource: Resource, owner: str, user_data: str | None) -> None:
    """Give a domain its new name, which libvirt does while it is shut off; its UUID and its SSH host key stay.

    Whether libvirt takes the definition is seen before the guest is shut off. The seed that it names is made first.
    """
    cloud_init.copy_key(domain.name(), resource["name"], owner)
    cloud_init.make(resource, owner, domain.UUIDString(), user_data)
    define({**resource, "name": domain.name()}, owner)
    shut_down(domain, resource["shutdown_seconds"], resource["force_off"])
    # Left by an interrupted run; libvirt renames no domain with a snapshot.
    snapshot.drop(domain, persistent(domain), owner)
    domain.rename(resource["name"])


def forget_name(name: str, owner: str) -> None:
    """Remove what a domain left behind under a name that it gave up."""
    cloud_init.forget(name, owner)
    cloud_init.forget_key(name, owner)
    records.remove(owner, "domain", name)


def rejected(resource: Resource, owner: str) -> list[str]:
    """What libvirt has against a new definition, asked without defining it: its schema against the part in libvirt's own words
    (virt-xml-validate(1)), and QEMU's driver (virsh(1), domxml-to-native).
    """
    domain = lookup(resource)
    base = base_of(resource, owner, None if domain is None else persistent(domain))
    wanted = edit.edited(base, resource, owner)
    if not definition.differences(base, wanted):
        return []
    text = definition.render(wanted)
    if "xml" in resource and os.path.exists(SCHEMA) and system.installed("xmllint"):
        done = system.run(["xmllint", "--noout", "--relaxng", SCHEMA, "-"], stdin=text, check=False)
        if done.returncode != 0:
            lines = [re.sub(r"^-:\d+: ", "", line) for line in done.stderr.splitlines() if "error" in line]
            return ["libvirt's schema rejects it with its xml:\n" + "\n".join(lines)]
    library = libvirt_host.library()
    try:
        libvirt_host.connection().domainXMLToNative("qemu-argv", definition.render(without_the_host(wanted)), 0)
    except library.libvirtError as error:
        # A driver's missing device, such as an unplugged one, is not an error of the definition.
        if error.get_error_code() in (library.VIR_ERR_XML_ERROR, library.VIR_ERR_XML_DETAIL, library.VIR_ERR_CONFIG_UNSUPPORTED):
            return [f"libvirt rejects it: {error}"]
    return []


def without_the_host(root: definition.Element) -> definition.Element:
    """A definition without what QEMU's driver would open or make on the host to look at it: taps, and devices that are handed through."""
    root = copy.deepcopy(root)
    for devices in root.findall("devices"):
        for one in [*devices.findall("hostdev"), *devices.findall("tpm")]:
            devices.remove(one)
    for interface in root.findall("devices/interface"):
        interface.set("type", "user")
        for part in list(interface):
            if part.tag not in ("mac", "model", "address"):
                interface.remove(part)
    return root


def define(resource: Resource, owner: str) -> Any:
    """Return the domain with its wanted definition. A definition that libvirt rejects or normalises differently changes nothing."""
    domain = lookup(resource)
    before = None if domain is None else persistent(domain)
    base = base_of(resource, owner, before)
    wanted = edit.edited(base, resource, owner)
    if before is not None and not definition.differences(before, wanted):
        return domain
    if before is not None and base is not before:
        keep(before, owner)
    library = libvirt_host.library()
    defined = libvirt_host.connection().defineXMLFlags(definition.render(wanted), library.VIR_DOMAIN_DEFINE_VALIDATE)
    has = persistent(defined)
    if other := definition.differences(has, edit.edited(has, resource, owner)):
        if before is None:
            defined.undefineFlags(library.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)
        else:
            snapshot.define(before)
        texts = "\n".join(system.text_diff(name, libvirts or None, ours or None) for name, (libvirts, ours) in other.items())
        raise RuntimeError(f"libvirt normalises this value differently, so nothing was changed. Write it as libvirt does:\n{texts}")
    return defined


def keep(root: definition.Element, owner: str) -> None:
    """Keep what a replacement loses: the definition, and what the firmware remembers."""
    folder = Path(records.ROOT) / owner / "replaced"
    system.make_folder(folder, mode=0o700)
    name = f"{root.findtext('name')}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    system.write_text(folder / f"{name}.xml", definition.render(root), mode=0o600)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(root.findtext("os/nvram") or "", folder / f"{name}.nvram")
