"""How a writer defines, renames and undefines domains. What libvirt refuses changes nothing."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from . import domain_checks, domain_edit, domain_snapshot, domain_xml, libvirt_host, records, seed_apply, system
from .domain import base_of, lookup, named, persistent, present
from .domain_apply import shut_down
from .kind import Unit

# Of one whose record is lost.
SHUTDOWN_SECONDS = 120

SCHEMA = "/usr/share/libvirt/schemas/domain.rng"


def saved(domain: Any) -> list[str]:
    """Why a domain must not be changed whose memory is kept on disk: that goes with the definition and the disks of its time."""
    if not domain.hasManagedSaveImage():
        return []
    name = domain.name()
    return [f"its memory is saved (virsh managedsave); start it with virsh start {name}, or drop it with virsh managedsave-remove {name}"]


def in_the_way(domain: Any, owner: str) -> list[str]:
    """Why a domain must not be undefined: memory or disks that only its definition leads to."""
    return saved(domain) + domain_checks.on_snapshots(records.paths(owner, "volume"), present(domain))


def undefine(name: str, owner: str) -> None:
    """Shut a domain off and undefine it. Its volumes stay, and with them what its firmware and its TPM remember. Raises libvirtError or
    TimeoutError.
    """
    domain = named(name)
    if domain is not None and domain_xml.owner_of(persistent(domain)) in (owner, None):
        record = records.read(owner, "domain", name) or {}
        if reasons := in_the_way(domain, owner):
            raise RuntimeError(reasons[0])
        shut_down(domain, record.get("shutdown_seconds", SHUTDOWN_SECONDS), record.get("force_off", False))
        domain_snapshot.drop(domain, persistent(domain), owner)
        keep(persistent(domain), owner)
        library = libvirt_host.library()
        domain.undefineFlags(
            library.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
            | library.VIR_DOMAIN_UNDEFINE_KEEP_TPM
            | library.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
            | library.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        )
    seed_apply.forget(name, owner)


def rename(domain: Any, unit: Unit, owner: str) -> None:
    """Give a domain its new name, which libvirt does while it is shut off; its UUID and its SSH host key stay.

    Whether libvirt takes the definition is seen before the guest is shut off. The seed that it names is made first.
    """
    seed_apply.copy_key(domain.name(), unit["name"], owner)
    seed_apply.make(unit, owner, domain.UUIDString())
    define({**unit, "name": domain.name()}, owner)
    shut_down(domain, unit["shutdown_seconds"], unit["force_off"])
    # Of a run that was broken off; libvirt renames no domain with a snapshot.
    domain_snapshot.drop(domain, persistent(domain), owner)
    domain.rename(unit["name"])


def forget_name(name: str, owner: str) -> None:
    """Remove what a domain left behind under a name that it gave up."""
    seed_apply.forget(name, owner)
    seed_apply.forget_key(name, owner)
    records.remove(owner, "domain", name)


def refused(unit: Unit, owner: str) -> list[str]:
    """What libvirt has against a new definition, asked without defining it: its schema against the part in libvirt's own words
    (virt-xml-validate(1)), and QEMU's driver (virsh(1), domxml-to-native).
    """
    domain = lookup(unit)
    base = base_of(unit, owner, None if domain is None else persistent(domain))
    wanted = domain_edit.edited(base, unit, owner)
    if not domain_xml.differences(base, wanted):
        return []
    text = domain_xml.render(wanted)
    if "xml" in unit and os.path.exists(SCHEMA) and system.installed("xmllint"):
        done = system.run(["xmllint", "--noout", "--relaxng", SCHEMA, "-"], stdin=text, check=False)
        if done.returncode != 0:
            said = [re.sub(r"^-:\d+: ", "", line) for line in done.stderr.splitlines() if "error" in line]
            return ["libvirt's schema refuses it with its xml:\n" + "\n".join(said)]
    library = libvirt_host.library()
    try:
        libvirt_host.connection().domainXMLToNative("qemu-argv", domain_xml.render(without_the_host(wanted)), 0)
    except library.libvirtError as error:
        # What the driver lacks just now, such as a device that is away, is no matter of the definition.
        if error.get_error_code() in (library.VIR_ERR_XML_ERROR, library.VIR_ERR_XML_DETAIL, library.VIR_ERR_CONFIG_UNSUPPORTED):
            return [f"libvirt refuses it: {error}"]
    return []


def without_the_host(root: domain_xml.Element) -> domain_xml.Element:
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


def define(unit: Unit, owner: str) -> Any:
    """The domain with the definition that its unit wants. What libvirt refuses, or writes otherwise than it was said, changes nothing."""
    domain = lookup(unit)
    before = None if domain is None else persistent(domain)
    base = base_of(unit, owner, before)
    wanted = domain_edit.edited(base, unit, owner)
    if before is not None and not domain_xml.differences(before, wanted):
        return domain
    if before is not None and base is not before:
        keep(before, owner)
    library = libvirt_host.library()
    defined = libvirt_host.connection().defineXMLFlags(domain_xml.render(wanted), library.VIR_DOMAIN_DEFINE_VALIDATE)
    has = persistent(defined)
    if other := domain_xml.differences(has, domain_edit.edited(has, unit, owner)):
        if before is None:
            defined.undefineFlags(library.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)
        else:
            domain_snapshot.define(before)
        texts = "\n".join(system.text_diff(name, libvirts or None, said or None) for name, (libvirts, said) in other.items())
        raise RuntimeError(f"libvirt writes it otherwise than it was said, so nothing was changed; say it as libvirt does:\n{texts}")
    return defined


def keep(root: domain_xml.Element, owner: str) -> None:
    """Keep what a replacement loses: the definition, and what the firmware remembers."""
    folder = Path(records.ROOT) / owner / "replaced"
    system.make_folder(folder, mode=0o700)
    name = f"{root.findtext('name')}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    system.write_text(folder / f"{name}.xml", domain_xml.render(root), mode=0o600)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(root.findtext("os/nvram") or "", folder / f"{name}.nvram")
