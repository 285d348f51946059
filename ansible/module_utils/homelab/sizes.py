"""Sizes of memory and volumes, as people write them: `512 MiB`, `20 GiB`. Pure."""

from __future__ import annotations

import re

_UNITS = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
_FORM = re.compile(r"([1-9][0-9]{0,6}) (MiB|GiB|TiB)")


def mebibytes(text: str) -> int:
    """A size in MiB. Raises ValueError with the accepted form."""
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r:.80} is not a size such as `512 MiB` or `20 GiB`")
    return int(found[1]) * _UNITS[found[2]]


def shown(count: int) -> str:
    """A count of bytes in the largest unit that leaves no fraction, or in bytes."""
    for name, factor in reversed(_UNITS.items()):
        if count and count % (factor * 1024 * 1024) == 0:
            return f"{count // (factor * 1024 * 1024)} {name}"
    return f"{count} bytes"
