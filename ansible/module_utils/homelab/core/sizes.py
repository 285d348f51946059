"""Sizes of memory and volumes, as people write them: `512 MiB`, `20 GiB`. Pure."""

from __future__ import annotations

# Bytes of a MiB.
MIB = 1024 * 1024

_UNITS = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}


def mebibytes(text: str) -> int:
    """A size of the form of texts.SIZE, in MiB."""
    count, resource = text.split(" ")
    return int(count) * _UNITS[resource]


def shown(count: int) -> str:
    """A count of bytes in the largest unit that leaves no fraction, or in bytes."""
    for name, factor in reversed(_UNITS.items()):
        if count and count % (factor * MIB) == 0:
            return f"{count // (factor * MIB)} {name}"
    return f"{count} bytes"
