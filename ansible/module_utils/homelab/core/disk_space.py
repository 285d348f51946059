"""Space on a host's file systems."""

from __future__ import annotations

import os
from pathlib import Path

from .sizes import MIB


def nearest(path: str | Path) -> Path:
    """A folder, or the one above it that is there."""
    return next(one for one in [Path(path), *Path(path).parents] if one.exists())


def left_in(folder: str | Path) -> int:
    """How many bytes may still be written to the file system that a folder is on, statvfs(3)."""
    free = os.statvfs(folder)
    return free.f_bavail * free.f_frsize


class DiskSpace:
    """The space that is left on each file system while files are planned one after the other; `reserve` bytes of it stay free."""

    def __init__(self, reserve: int = 0) -> None:
        self.reserve = reserve
        self.left: dict[int, int] = {}

    def shortage(self, folder: str | Path, size: int) -> str:
        """Count a file of so many bytes as written where it fits. Otherwise return its size and the free space.

        A folder that is not there yet counts where it would be.
        """
        there = nearest(folder)
        device = os.stat(there).st_dev
        left = self.left.setdefault(device, max(0, left_in(there) - self.reserve))
        if size > left:
            return f"{-(-size // MIB)} MiB, and there are {left // MIB} MiB left in {folder}"
        self.left[device] = left - size
        return ""
