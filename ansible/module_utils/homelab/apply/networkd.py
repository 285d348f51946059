"""How writers change what systemd-networkd manages. Exit codes are not believed; the links are read back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from ..core import system
from ..core.observer import Observation
from ..observe import networkd

PATIENCE_SECONDS = 30


def write_files(files: networkd.Files, owner: str, kind: str, name: str) -> None:
    """Write a unit's files and remove those of it that are no longer wanted."""
    for path, resource in networkd.marked_files(owner, kind).items():
        if resource == name and path not in files:
            system.remove_file(path, empty_parents_below=networkd.FOLDER)
    for path, text in files.items():
        if system.read_text(path) != text:
            system.make_folder(path.parent)
            system.write_text(path, text)


def have_read_anew(name: str) -> None:
    """Let the next reload make a link that is gone: networkd makes one only from a .netdev that it has not read yet, and leaves one
    that is there as it is.
    """
    os.utime(networkd.FOLDER / f"10-homelab-{name}.netdev")


def reload_until(observe: Callable[[], list[Observation]], links_of: dict[str, list[str]]) -> dict[str, str]:
    """Reload networkd and wait until the resources are in sync; a link that still differs is configured once more."""
    system.run(["networkctl", "reload"], check=False)
    end = time.monotonic() + PATIENCE_SECONDS
    reconfigured = False
    while time.monotonic() < end:
        time.sleep(0.5)
        drifting = [seen.name for seen in observe() if seen.differences]
        if not drifting:
            return {}
        if not reconfigured and time.monotonic() > end - PATIENCE_SECONDS + 3:
            for name in dict.fromkeys(link for resource in drifting for link in links_of[resource]):
                system.run(["networkctl", "reconfigure", name], check=False)
            reconfigured = True
    return {}


def forget(owner: str, kind: str, names: Sequence[str]) -> None:
    """Remove the files of units and let networkd know."""
    for path, resource in networkd.marked_files(owner, kind).items():
        if resource in names:
            system.remove_file(path, empty_parents_below=networkd.FOLDER)
    system.run(["networkctl", "reload"], check=False)


def delete_link(name: str) -> str:
    """Delete a virtual link and wait until it is gone. Return what went wrong, else ''."""
    end = time.monotonic() + PATIENCE_SECONDS
    while name in networkd.read_links():
        done = system.run(["networkctl", "delete", name], check=False)
        if time.monotonic() > end:
            return f"{name} is still there: {done.stderr.strip()}"
        time.sleep(0.3)
    return ""
