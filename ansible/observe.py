"""Runs observers on a host: sent over SSH to `python3 -I -`, behind a line that sets PAYLOAD.

PAYLOAD is base64 of zlib of JSON {sources: {module: text}, groups: [{kind, owner, resources}]}; the modules are those of
core/ and observe/. Prints one JSON list with, per group, {observations: [{name, present, differences, facts} or {name, error}]}
or {error}.
"""

import base64
import importlib
import importlib.abc
import importlib.util
import json
import sys
import zlib

request = json.loads(zlib.decompress(base64.b64decode(PAYLOAD)))  # type: ignore[name-defined]  # noqa: F821
sources = request["sources"]


class Sent(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports the modules that came with the request; nothing is written on the host."""

    def find_spec(self, fullname, path, target=None):
        if fullname not in sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=self.is_package(fullname))

    def is_package(self, fullname):
        return any(name.startswith(f"{fullname}.") for name in sources)

    def get_source(self, fullname):
        return sources[fullname]


def observe(group):
    """Return what one kind's observer reads of its resources; a failing read is an error, never 'absent'."""
    try:
        kinds = importlib.import_module("homelab.observe.kinds")
        observer = kinds.BY_NAME.get(group["kind"]) or importlib.import_module("homelab.observe." + group["kind"]).observer
        seen = observer.detect([observer.normalise(one, {}) for one in group["resources"]], group["owner"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"observations": [shown(one) for one in seen]}


def shown(one):
    """Return an observation as JSON has it."""
    if one.unknown:
        return {"name": one.name, "error": one.unknown}
    return {"name": one.name, "present": one.present, "differences": "\n".join(one.differences), "facts": one.facts}


sys.meta_path.insert(0, Sent())
printable = importlib.import_module("homelab.core.printable").printable
print("\n" + json.dumps(printable([observe(group) for group in request["groups"]])))
