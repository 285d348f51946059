"""Applies the base of a host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core import records, system
from ..core.observer import Resource
from ..core.rollback import store
from ..core.specification import KINDS
from ..observe.base_files import FORWARD_ON
from ..observe.host import (
    BEFORE,
    ENABLED,
    FORWARDING,
    NETWORKD,
    ONLINE_WANTED,
    OURS,
    RULES_SERVICE,
    Host,
    before,
    files_of,
    forwarding_is_on,
    missing_packages,
    packages_of,
    removed_by_installing,
    unknown_to_apt,
)
from . import reader
from .writer import Change, Errors, Writer


class HostWriter(Host, Writer):
    """Installs packages and writes the few files of the base."""

    def rejections(self, resources: Sequence[Resource], owner: str) -> Errors:
        absent = missing_packages([name for resource in resources for name in packages_of(resource)])
        known = [name for name in absent if name not in unknown_to_apt(absent)]
        removed = removed_by_installing(known)
        reason = f"{', '.join(known)} cannot be installed beside {', '.join(removed)}, which apt would remove; remove that yourself first"
        return {"host": reason} if removed else {}

    def needed_by(self, name: str) -> list[records.Recorded]:
        """Its rollback is for these, and rules are loaded by it at boot."""
        return records.everything(kind for kind, one in KINDS.items() if one["may_disconnect"])

    def apply(self, changes: Sequence[Change], owner: str) -> Errors:
        for change in changes:
            try:
                self._apply(change, owner)
            except (system.CommandError, OSError) as error:
                return {"host": str(error)}
        return {}

    def _apply(self, change: Change, owner: str) -> None:
        self._remember(owner)
        absent = missing_packages(packages_of(change.resource))
        if absent:
            install(absent)
        system.run(["systemctl", "unmask", "--quiet", *NETWORKD])
        system.run(["systemctl", "start", "systemd-networkd.service"])
        files = files_of(change.resource, owner)
        reader.ensure(change.resource.get("readers", []), owner)
        if Path(store.CHECKS) not in files:
            system.remove_file(store.CHECKS)
        had_forwarding = FORWARD_ON in (system.read_text(next(iter(files))) or "")
        for path, text in files.items():
            if system.read_text(path) != text:
                system.make_folder(path.parent)
                system.write_text(path, text)
        system.run(["systemctl", "daemon-reload"])
        system.run(["systemctl", "enable", "--quiet", *ENABLED])
        system.run(["systemctl", "add-wants", "--quiet", "multi-user.target", "network-online.target"])
        system.run(["systemctl", "start", "network-online.target"])
        # Not restarted: that would load every table again and lose counters and dynamic elements. A table that does not
        # load is drift of its own resource, and this very run may fix it.
        system.run(["systemctl", "start", RULES_SERVICE], check=False)
        if change.resource["forwarding"]:
            forward(True)
        elif had_forwarding and not before(owner)["forwarding"]:
            forward(False)

    def _remember(self, owner: str) -> None:
        if records.read(owner, BEFORE, "host") is None:
            states = {name: system.run(["systemctl", "is-enabled", name], check=False).stdout.strip() for name in ENABLED}
            was = {"forwarding": forwarding_is_on(), "enabled": states, "online_wanted": ONLINE_WANTED.is_symlink()}
            records.write(owner, BEFORE, "host", was)

    def remove(self, names: Sequence[str], owner: str) -> Errors:
        was = before(owner)
        try:
            reader.forget()
            forwarding = forwarding_is_on()
            system.run(["systemctl", "disable", "--now", "--quiet", *OURS], check=False)
            if forwarding and was["forwarding"]:
                forward(True)
            if not was["online_wanted"]:
                ONLINE_WANTED.unlink(missing_ok=True)
            for path in [*files_of({"forwarding": False}, owner), Path(store.CHECKS)]:
                system.remove_file(path, empty_parents_below="/etc/systemd/system" if "systemd" in str(path) else "/etc")
            # Left running: stopping what manages the network could cost the connection.
            for verb, state in (("disable", "disabled"), ("mask", "masked")):
                if those := [name for name, before_us in was["enabled"].items() if before_us == state]:
                    system.run(["systemctl", verb, "--quiet", *those], check=False)
            system.run(["systemctl", "daemon-reload"])
            records.remove(owner, BEFORE, "host")
            system.remove_file(store.OUTCOME, empty_parents_below="/var/lib")
        except (system.CommandError, OSError) as error:
            return {"host": str(error)}
        return {}


def forward(wanted: bool) -> None:
    """Forward IPv4 between interfaces, or not, until the next boot."""
    FORWARDING.write_text("1" if wanted else "0")


def install(packages: Sequence[str]) -> None:
    """Install Debian packages without what they merely recommend, and remove none; look for newer lists only when needed."""
    argv = ["apt-get", "install", "--yes", "--no-remove", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    if system.run(argv, check=False, timeout=3600).returncode != 0:
        system.run(["apt-get", "update", "-o", "DPkg::Lock::Timeout=300"], timeout=900)
        system.run(argv, timeout=3600)
