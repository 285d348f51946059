"""Moves what an older version left on the host. A killed apply leaves a host that can roll back; the next apply continues."""

from __future__ import annotations

import os
from pathlib import Path

from ..core import ownership, system
from ..core.rollback import store
from ..observe import base_files


def migrate() -> bool:
    """Replace the rollback of version 0.1.0 by the present one. Return whether there was one. The caller holds the lock.

    The new service is enabled before the snapshot moves, and the old one goes last, so that an unconfirmed change is rolled
    back at boot at any point in between.
    """
    former = system.read_text(Path(store.FORMER_PROGRAM))
    if former is None:
        return False
    owner = ownership.read(former).get("owner")
    if owner is None:
        return False
    for path, text in base_files.rollback_files(owner).items():
        if system.read_text(path) != text:
            system.make_folder(path.parent)
            system.write_text(path, text)
    system.run(["systemctl", "daemon-reload"])
    system.run(["systemctl", "enable", "--quiet", store.SERVICE])
    if os.path.isdir(store.FORMER_FOLDER) and not os.path.exists(store.FOLDER):
        os.rename(store.FORMER_FOLDER, store.FOLDER)
    system.run(["systemctl", "stop", "--quiet", store.FORMER_TIMER], check=False)
    system.run(["systemctl", "disable", "--quiet", store.FORMER_SERVICE], check=False)
    system.remove_file(base_files.UNITS / store.FORMER_SERVICE)
    # Removed last: as long as it exists, the migration is not complete.
    system.remove_file(Path(store.FORMER_PROGRAM))
    system.run(["systemctl", "daemon-reload"])
    return True
