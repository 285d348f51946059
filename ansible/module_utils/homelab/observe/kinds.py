"""The one table of kinds: their observers, in the order in which a host needs them. providers/kinds.ts is its other half."""

from __future__ import annotations

from ..core.observer import Observer
from . import bridge, host, image, nftables_table, podman_secret, pool, service_user, sysctl, vlan, volume
from .domain import observer as domain
from .quadlet import observer as quadlet_unit

_MODULES = (host, service_user, nftables_table, bridge, vlan, sysctl, pool, image, volume, domain, podman_secret, quadlet_unit)
OBSERVERS: list[Observer] = [module.observer for module in _MODULES]
BY_NAME: dict[str, Observer] = {observer.kind: observer for observer in OBSERVERS}
