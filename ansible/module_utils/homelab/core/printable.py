"""Makes texts from a host harmless for whoever prints them. What a user or a guest wrote may be meant for a terminal.

Control characters and those that turn the direction of a text (Unicode, UAX #9) become visible escapes, as Python writes them.
"""

from __future__ import annotations

import re
from typing import Any

# C0 but for tab and line feed, DEL, C1, marks and overrides of direction, separators of lines, and bytes that are no UTF-8.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(value: Any) -> Any:
    """Return a value of JSON's types with all its texts and keys printable."""
    if isinstance(value, str):
        # A line may end with both.
        return CONTROL.sub(_escape, value.replace("\r\n", "\n"))
    if isinstance(value, dict):
        return {printable(key): printable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(one) for one in value]
    return value


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        # A byte, as surrogateescape has it (PEP 383).
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
