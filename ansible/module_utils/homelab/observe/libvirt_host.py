"""The host's libvirt: one connection, and what is asked of it in more than one place."""

from __future__ import annotations

import functools
import importlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..core import system
from .addresses import Missing

URI = "qemu:///system"
MISSING = "libvirt is not installed yet; `hypervisor: true` in homelab_host brings it"

# As found in libvirt's own enumerations, stable by its promise of compatibility.
NO_DOMAIN, NO_POOL = 42, 49


class NotInstalled(Exception):
    """There is no libvirt on this host, and so nothing of it."""


@functools.cache
def library() -> Any:
    """The Python binding. Raises NotInstalled."""
    try:
        found = importlib.import_module("libvirt")
    except ImportError as error:
        raise NotInstalled(MISSING) from error
    # Errors are raised; without this each is also printed.
    found.registerErrorHandler(lambda *_: None, None)
    return found


@functools.cache
def connection() -> Any:
    """A connection to the system's daemon. Raises NotInstalled, or libvirtError when it does not answer."""
    return library().open(URI)


def pools() -> list[Any]:
    """All storage pools; none where libvirt is not installed."""
    try:
        return list(connection().listAllStoragePools())
    except NotInstalled:
        return []


def found(look_up: Callable[[], Any], code: int) -> Any | None:
    """Return what a look-up finds, None when libvirt reports none. Any other failure is not 'absent', and is raised."""
    try:
        return look_up()
    except library().libvirtError as error:
        if error.get_error_code() == code:
            return None
        raise


def acceleration() -> str:
    """The type of domains that this host can run: kvm, or qemu where there is no KVM. A device file alone proves nothing."""
    xml = connection().getCapabilities()
    return "kvm" if "<domain type='kvm'" in xml else "qemu"


def capabilities(machine: str) -> ET.Element:
    """Return libvirt's capabilities for a machine type. Raise libvirtError for an unknown one."""
    return ET.fromstring(connection().getDomainCapabilities(None, "x86_64", machine, acceleration(), 0))


def domains_on(bridge: str, vlan: int | None = None) -> list[str]:
    """The names of the running domains with an interface in a bridge, or in one VLAN of it; none where libvirt does not answer."""
    return sorted(name for name, root in _running().items() if is_on(root, bridge, vlan))


def taps() -> dict[str, str]:
    """The running domains by their network devices on this host (vnet0 …); none where libvirt does not answer."""
    devices = "devices/interface/target[@dev]"
    return {device.get("dev", ""): name for name, root in _running().items() for device in root.findall(devices)}


def _running() -> dict[str, ET.Element]:
    """The definitions of the running domains, by name; none where libvirt does not answer."""
    try:
        running = connection().listAllDomains(library().VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        return {domain.name(): ET.fromstring(domain.XMLDesc()) for domain in running}
    except NotInstalled:
        return {}
    except library().libvirtError:
        return {}


def is_on(domain: ET.Element, bridge: str, vlan: int | None = None) -> bool:
    """Whether a definition has an interface in a bridge, or in one VLAN of it."""
    interfaces = domain.findall(f"devices/interface/source[@bridge='{bridge}']/..")
    return any(vlan is None or str(vlan) in {tag.get("id") for tag in one.findall("vlan/tag")} for one in interfaces)


def memory() -> int:
    """The host's memory in MiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2


def running_beside(names: Collection[str]) -> int:
    """The memory, in MiB, of the running domains with other names. Raises libvirtError."""
    try:
        running = connection().listAllDomains(library().VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    except NotInstalled:
        return 0
    return sum(_memory_of(domain) for domain in running if domain.name() not in names) // 1024


def _memory_of(domain: Any) -> int:
    """A domain's memory in KiB; none where it has just ended."""
    try:
        return int(domain.maxMemory())
    except library().libvirtError:
        return 0


def lacking(names: Iterable[str]) -> dict[str, str]:
    """Why units of libvirt's cannot be on this host, by name; nothing where it is installed."""
    try:
        connection()
    except NotInstalled as reason:
        return {name: str(reason) for name in names}
    return {}


def each(work: Mapping[str, Callable[[], object]]) -> dict[str, str]:
    """Do something for each resource. Return what failed, by name; no failure of one stops the others, whatever it is."""
    errors: dict[str, str] = {}
    for name, do in work.items():
        try:
            do()
        except Exception as error:
            errors[name] = failure(error)
    return errors


def reasons(work: Mapping[str, Callable[[], list[str]]]) -> dict[str, list[str]]:
    """Return the reasons of each resource, by name; a look at one that fails is a reason of that one alone."""
    found: dict[str, list[str]] = {}
    for name, look in work.items():
        try:
            found[name] = look()
        except Exception as error:
            found[name] = [f"it cannot be read: {failure(error)}"]
    return found


def failure(error: Exception) -> str:
    """Return an error in words; one that nobody expects gets its type."""
    expected = (library().libvirtError, OSError, RuntimeError, Missing, system.CommandError)
    if isinstance(error, expected) and not isinstance(error, RecursionError):
        return str(error)
    return f"{type(error).__name__}: {error}"
