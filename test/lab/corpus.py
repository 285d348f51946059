"""Sent beside the observers by corpus.test.ts: what Quadlet's generator makes of files as they are, and of units as our module writes them.

A unit of this is {name, files: {path: text}} or {name, units: [a Quadlet unit]}; the facts are {made, services, complaints}.
"""

from __future__ import annotations

import re
from itertools import pairwise
from operator import itemgetter

from ..core import system
from ..core.observer import Observation
from .quadlet import unit_file as quadlet
from .quadlet.users import account_of

USER = "web"


class Corpus:
    def normalise(self, variant, _contents):
        return variant

    def detect(self, variants, owner):
        return [Observation(one["name"], present=True, facts=generated(one)) for one in variants]


def generated(variant):
    """The generated services by their source's name, each in a form that can be compared."""
    units = variant.get("units", [])
    files = variant.get("files") or {path: text for unit in units for path, text in quadlet.files_of(unit).items()}
    with system.scratch_folder(account_of(USER)) as folder:
        for path, text in files.items():
            system.make_folder((folder / path).parent)
            system.write_text(folder / path, text)
        made, complaints = quadlet.generate(folder, account_of(USER))
        made = {name: {"name": service.name, **parsed(service.text.replace(str(folder), "/unit"))} for name, service in made.items()}
    return {"made": made, "services": {unit["name"]: quadlet.service_of(unit) for unit in units}, "complaints": complaints}


def parsed(text):
    """A service's settings as {"Section.Key": values}; comments and the order of different keys say nothing."""
    found = {}
    section = ""
    # Comments stand between lines that are joined, too.
    lines = [line for line in text.split("\n") if line[:1] not in ("#", ";")]
    for line in re.sub(r"[ \t]*\\\n[ \t]*", " ", "\n".join(lines)).split("\n"):
        if line.startswith("["):
            section = line[1:-1]
            found.setdefault(section, True)
        elif line.strip():
            key, value = line.split("=", 1)
            found.setdefault(f"{section}.{key}", []).append(same(section, key, value))
    return found


def same(section, key, value):
    """A value as far as it counts: what X- sections say is for readers, and the options of a command come in any order."""
    if section == "Service" and key.startswith("Exec"):
        words = value.split(" ")
        again = {word for word in words if word.startswith("--") and words.count(word) > 1}
        return [sorted(words), sorted((pair for pair in pairwise(words) if pair[0] in again), key=itemgetter(0))]
    return " ".join(value.split())


observer = Corpus()
