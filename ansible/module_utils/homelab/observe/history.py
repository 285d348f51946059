"""Reads from the host's journal who changed what, for `npm run history`. apply/history.py writes these lines.

A unit is {since}, a time as journalctl(1) reads it, or "" for any. Facts are {lines: [{time, operator, route, commit, outcome,
changed, removed, omitted}], most}: the last `most` lines, in the order of time, which is in seconds since 1970. `removed` are some of
the ids in `changed`, and `omitted` is how many ids the line does not name, "" for none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..core import system
from ..core.observer import Observation, Resource
from .whole_host import WholeHost

IDENTIFIER = "homelab"
PREFIX = "HOMELAB_"
# How many lines are read at most, and how many bytes journalctl may print; writing bounds each line.
MOST_LINES = 100
LARGEST = 16 * 1024 * 1024

TEXTS = {"operator": "OPERATOR", "route": "ROUTE", "commit": "COMMIT", "outcome": "RESULT", "omitted": "OMITTED"}
LISTS = {"changed": "CHANGED", "removed": "REMOVED"}

# Any user of the host may write any field to the journal, also SYSLOG_IDENTIFIER. The fields that begin with an underscore are trusted:
# journald itself adds them, and drops those of clients (systemd.journal-fields(7)). So a line counts only if the kernel vouches
# that root sent it (_UID), and by journald's own protocol (_TRANSPORT), since what a program of root prints may quote a user. _COMM
# would say no more, and is missing where `logger` ended before journald looked.
TRUSTED = ["_UID=0", "_TRANSPORT=journal"]


class History(WholeHost):
    """Reads the lines that runs of either route left."""

    kind = "history"

    def observe(self, resources: Sequence[Resource], owner: str) -> list[Observation]:
        return [Observation("host", present=True, facts={"lines": lines(one["since"]), "most": MOST_LINES}) for one in resources]

    def faults(self, resource: Resource) -> list[str]:
        since = resource["since"]
        is_time = isinstance(since, str) and len(since) <= 100 and since.isprintable()
        return [] if is_time and set(resource) == {"since"} else ["since: expected a time as journalctl(1) reads it"]


def lines(since: str) -> list[dict[str, Any]]:
    """Return the last lines of the history. Raise CommandError where the journal cannot be read, or `since` is no time."""
    fields = [f"{PREFIX}{name}" for name in (*TEXTS.values(), *LISTS.values())]
    shown = ["--system", "--quiet", "--no-pager", "--output=json", f"--output-fields={','.join(fields)}", f"--lines={MOST_LINES}"]
    asked = ["journalctl", *shown, *([f"--since={since}"] if since else []), *TRUSTED, f"SYSLOG_IDENTIFIER={IDENTIFIER}"]
    # The table has UTC, too.
    printed = system.run(asked, env={"TZ": "UTC"}, limit=LARGEST).stdout
    entries = [json.loads(line) for line in printed.split("\n") if line]
    return [_line(entry) for entry in entries if f"{PREFIX}RESULT" in entry]


def _line(entry: dict[str, Any]) -> dict[str, Any]:
    texts = {key: " ".join(_values(entry, name)) for key, name in TEXTS.items()}
    lists = {key: _values(entry, name) for key, name in LISTS.items()}
    return {"time": int(entry["__REALTIME_TIMESTAMP"]) // 1_000_000, **texts, **lists}


def _values(entry: dict[str, Any], name: str) -> list[str]:
    """Return the values of a field: none, one as a text, or several as a list, in no order (`-o json` of journalctl(1))."""
    value = entry.get(f"{PREFIX}{name}") or []
    return sorted(str(one) for one in (value if isinstance(value, list) else [value]))


observer = History()
