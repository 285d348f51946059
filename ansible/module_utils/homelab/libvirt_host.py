"""The host's libvirt: one connection, and what is asked of it in more than one place."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

URI = "qemu:///system"
MISSING = "libvirt is not installed; say `hypervisor: true` in this host's `homelab_host`"

# As found in libvirt's own enumerations, stable by its promise of compatibility.
NO_DOMAIN, NO_POOL, NO_VOLUME = 42, 49, 50


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


def found(look_up: Callable[[], Any], code: int) -> Any | None:
    """What a look-up finds, None when libvirt says that there is none. Any other failure is not 'absent', and is raised."""
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
