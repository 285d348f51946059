"""What a guest wrote to its console, as text for people."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import Any

from ...observe.domain.observer import persistent

LINES = 15
# A guest writes as much as it likes.
MOST_BYTES = 64 * 1024


def last_lines(domain: Any) -> str:
    """Return the end of what a guest wrote to its console, where its definition keeps that."""
    log = persistent(domain).find("devices/serial/log")
    text = "" if log is None else tail(log.get("file", ""))
    if not text:
        return "it has written nothing to its console"
    lines = [line for line in readable(text).splitlines() if line.strip()][-LINES:]
    return "\n".join(["its console's last lines:", *lines])


def tail(path: str) -> str:
    """Return the end of a file, '' when there is none."""
    with contextlib.suppress(OSError), open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        found = os.fstat(stream.fileno())
        if stat.S_ISREG(found.st_mode):
            stream.seek(max(0, found.st_size - MOST_BYTES))
            return stream.read(MOST_BYTES).decode("utf-8", "replace")
    return ""


def readable(text: str) -> str:
    """Return a guest's text without what would move the cursor or change a terminal."""
    plain = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)", "", text)
    return "".join(one if one == "\n" or one.isprintable() else " " for one in plain.replace("\r\n", "\n"))
