"""The observers of all kinds, in the order in which a host needs them."""

from __future__ import annotations

from . import bridge, domain, host, image, nftables_table, podman_secret, pool, quadlet_unit, service_user, vlan, volume
from .kind import Kind

MODULES = (host, service_user, nftables_table, bridge, vlan, pool, image, volume, domain, podman_secret, quadlet_unit)
OBSERVERS: list[Kind] = [module.observer for module in MODULES]
