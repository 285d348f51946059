"""Writes one line about a run to the host's journal: who changed what, by which route, and how that ended.

It holds names only: no value, no difference, no message. observe/history.py reads these lines.
"""

from __future__ import annotations

from typing import Any

from ..core import system
from ..core.printable import printable
from ..observe.history import IDENTIFIER, PREFIX

# A run may change any number of resources, and a name on a host may be long; a line in the journal stays a line.
MOST_IDS = 100
LONGEST_ID = 200
LONGEST_MESSAGE = 2000
# The kind of which a host has one only.
BASE = "host"
# Any resource of a kind, where its module ended without a result.
ALL = "*"


def write(params: dict[str, Any]) -> None:
    """Write the line of a run. Raise CommandError.

    `results` are {kind, removed, tried, broken} per module: the names for which the host was changed, or that nothing is known of them.
    The rest is `outcome`, `host`, `owner` and `run`.
    """
    # Fields go in by standard input, since every user of the host sees a command line.
    system.run(["logger", "--journald"], stdin=entry(params))


def entry(params: dict[str, Any]) -> str:
    """Return the line as fields, in the form of `logger --journald` (logger(1)): one `NAME=value` per line."""
    run = params["run"]
    ids = _ids(params)
    named = dict(list(ids.items())[:MOST_IDS])
    omitted = str(len(ids) - len(named) or "")
    shown = ", ".join(f"{one} (removed)" if is_removed else one for one, is_removed in named.items())
    commit = f", commit {run['commit']}" if run["commit"] else ""
    fields = [
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("PRIORITY", "6" if params["outcome"] == "ok" else "4"),
        ("MESSAGE", f"{run['operator']} ({run['route']}{commit}): {params['outcome']}: {shown}"[:LONGEST_MESSAGE]),
        (f"{PREFIX}ROUTE", run["route"]),
        (f"{PREFIX}OPERATOR", run["operator"]),
        (f"{PREFIX}CONTROLLER", run["controller"]),
        (f"{PREFIX}COMMIT", run["commit"]),
        (f"{PREFIX}OWNER", params["owner"]),
        (f"{PREFIX}RESULT", params["outcome"]),
        # A field each, so that `journalctl HOMELAB_CHANGED=<id>` finds all lines about a resource.
        *((f"{PREFIX}CHANGED", one) for one in named),
        *((f"{PREFIX}REMOVED", one) for one, is_removed in named.items() if is_removed),
        (f"{PREFIX}OMITTED", omitted),
    ]
    return "".join(f"{name}={_one_line(value)}\n" for name, value in fields if value)


def _ids(params: dict[str, Any]) -> dict[str, bool]:
    """Return the ids, as Pulumi has them, and whether they were removed: <host>/<kind>/<name>, and <host>/host of the base."""
    ids = {}
    for one in params["results"]:
        for name in [ALL] if one["broken"] else one["tried"]:
            path = one["kind"] + ("" if one["kind"] == BASE else f"/{name}")
            ids[f"{params['host']}/{path}"[:LONGEST_ID]] = one["removed"]
    return ids


def _one_line(text: str) -> str:
    """Return a text without what would begin another field, or end the line."""
    return str(printable(text)).replace("\n", "\\x0a")
