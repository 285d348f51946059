"""What is announced is what is done: test_agreement_<kind>.py has rows for each property that the kind has."""

import importlib

import pytest
import yaml
from writers import ROOT

from ansible.module_utils.homelab.observe.kinds import OBSERVERS

# What needs no row, and why: of any kind, and of one.
ALWAYS = {"adopt": "it means the same for all of them, and nftables_table has the row"}
ALWAYS["adopt_from"] = "as adopt, from another owner (test_ownership.py)"
ALWAYS["protect"] = "it is of the record alone, for all of them (test_protect.py)"
ANOTHER = "with it a unit is another one, as with another name"
EXCEPTIONS = {
    "host": {"address": "it is for the outputs, and nothing on the host"},
    "volume": {"pool": ANOTHER},
    "domain": {
        "restart": "each row is tried with both of its words",
        "cloud_init.user_data_from": "the controller looks up the text, and the host is told its digest",
    },
    "podman_secret": {"user": ANOTHER, "from": "the controller looks up the value, and the host is told its digest"},
    "quadlet_unit": {"user": ANOTHER, "source": "the host is told the file's text, which is content"},
}


def said(options, resource, before=""):
    """The properties of a kind that a unit gives, those within others too, as (`interfaces.mac`, value)."""
    for name, spec in options.items():
        value = resource.get(name)
        if "options" in spec:
            for one in value if isinstance(value, list) else [value] if value is not None else []:
                yield from said(spec["options"], one, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", repr(value)


def properties(options, before=""):
    """The names of all properties of a kind, as above."""
    for name, spec in options.items():
        yield from properties(spec["options"], f"{before}{name}.") if "options" in spec else [f"{before}{name}"]


def changes(module):
    """What the tests of a module are given as `change`, where that is properties."""
    marks = [mark for test in vars(module).values() for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    for names, rows in (mark.args for mark in marks if "change" in mark.args[0]):
        found = rows if names == "change" else [row[names.index("change")] for row in rows]
        yield from (one for one in found if isinstance(one, dict))


@pytest.mark.parametrize("kind", [observer.kind.replace("-", "_") for observer in OBSERVERS])
def test_each_property_of_a_kind_is_held_to_what_is_announced_of_it(kind):
    specs = yaml.safe_load((ROOT / f"roles/{kind}/meta/argument_specs.yml").read_text())
    [whole] = specs["argument_specs"]["main"]["options"].values()
    options = whole["options"]
    module = importlib.import_module(f"test_agreement_{kind}")
    before = set(said(options, getattr(module, "UNIT", {})))
    tried = {name for change in changes(module) for name, _ in set(said(options, change)) - before}
    assert set(properties(options)) - tried - ALWAYS.keys() == EXCEPTIONS.get(kind, {}).keys()
