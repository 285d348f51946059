"""Who changed what: the line that a run leaves in the host's journal, and which lines count when it is read."""

import json
import subprocess

import pytest
import writers  # noqa: F401 - it lets Ansible find what the next line names

from ansible.module_utils.homelab.apply import history
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.observe import history as observed

RUN = {"operator": "olga@desk", "controller": "desk", "route": "pulumi", "commit": "1a2b3c4d5e6f+"}


def result(kind, *tried, removed=False, broken=False):
    return {"kind": kind, "removed": removed, "tried": list(tried), "broken": broken, "rejected": False}


CHANGED = result("vlan", "guests", "iot")
REMOVED = result("quadlet-unit", "web/old.container", removed=True)


def params(*results, **more):
    return {"results": results, "outcome": "ok", "host": "hv", "owner": "lab", "run": RUN, **more}


def fields(text):
    """The fields as logger(1) reads them: up to an empty line, by the first `=`."""
    found = {}
    for line in text.split("\n\n")[0].rstrip("\n").split("\n"):
        name, value = line.split("=", 1)
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def commands(monkeypatch):
    ran = []

    def run(argv, *, stdin=None, **more):
        ran.append((list(argv), stdin, more))
        return subprocess.CompletedProcess(argv, 0, ran_prints[0] if ran_prints else "", "")

    ran_prints = []
    monkeypatch.setattr(system, "run", run)
    return ran, ran_prints


def test_a_run_writes_one_line_and_nothing_of_it_on_the_command_line(commands):
    history.write(params(CHANGED, REMOVED))
    [(argv, stdin, _)] = commands[0]
    assert argv == ["logger", "--journald"]
    assert fields(stdin) == {
        "SYSLOG_IDENTIFIER": ["homelab"],
        "PRIORITY": ["6"],
        "MESSAGE": [
            "olga@desk (pulumi, commit 1a2b3c4d5e6f+): ok: hv/vlan/guests, hv/vlan/iot, hv/quadlet-unit/web/old.container (removed)"
        ],
        "HOMELAB_ROUTE": ["pulumi"],
        "HOMELAB_OPERATOR": ["olga@desk"],
        "HOMELAB_CONTROLLER": ["desk"],
        "HOMELAB_COMMIT": ["1a2b3c4d5e6f+"],
        "HOMELAB_OWNER": ["lab"],
        "HOMELAB_RESULT": ["ok"],
        "HOMELAB_CHANGED": ["hv/vlan/guests", "hv/vlan/iot", "hv/quadlet-unit/web/old.container"],
        "HOMELAB_REMOVED": ["hv/quadlet-unit/web/old.container"],
    }


@pytest.mark.parametrize(
    ("found", "known"),
    [
        (result("host", "host"), "hv/host"),
        (result("pool", "pool"), "hv/pool/pool"),
        # Modules without a result.
        (result("host", broken=True), "hv/host"),
        (result("pool", broken=True), "hv/pool/*"),
    ],
)
def test_ids_are_those_that_pulumi_knows(found, known):
    assert fields(history.entry(params(found)))["HOMELAB_CHANGED"] == [known]


def test_an_inventory_without_git_has_no_commit():
    found = fields(history.entry(params(CHANGED, run=RUN | {"commit": ""}, outcome="failed")))
    assert "HOMELAB_COMMIT" not in found
    assert found["MESSAGE"] == ["olga@desk (pulumi): failed: hv/vlan/guests, hv/vlan/iot"]
    assert found["PRIORITY"] == ["4"]


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n", "\0", "\u2028"])
def test_no_name_begins_a_field_or_ends_the_line(end):
    evil = f"x{end}HOMELAB_OPERATOR=udo@desk"
    names = result("quadlet-unit", f"web/{evil}", removed=True)
    found = fields(history.entry(params(names, run=RUN | {"controller": evil}, owner=evil)))
    assert found["HOMELAB_OPERATOR"] == ["olga@desk"]
    assert found["HOMELAB_RESULT"] == ["ok"]
    assert found["HOMELAB_REMOVED"][0].startswith("hv/quadlet-unit/web/x\\")


def test_escapes_for_a_terminal_are_shown_as_such():
    names = result("quadlet-unit", "web/\x1b[2Kx.container")
    assert fields(history.entry(params(names)))["HOMELAB_CHANGED"] == ["hv/quadlet-unit/web/\\x1b[2Kx.container"]


def test_a_line_stays_bounded():
    many = result("quadlet-unit", *(f"web/{n}{'x' * 300}" for n in range(3000)), removed=True)
    text = history.entry(params(many))
    assert len(text) < 50_000
    # logger takes no more than IOV_MAX fields.
    assert text.count("\n") < 1024
    assert len(fields(text)["HOMELAB_CHANGED"]) == 100
    assert fields(text)["HOMELAB_OMITTED"] == ["2900"]


def entry(**more):
    return {
        "__REALTIME_TIMESTAMP": "1764590400123456",
        "HOMELAB_OPERATOR": "olga@desk",
        "HOMELAB_ROUTE": "ansible",
        "HOMELAB_COMMIT": "1a2b3c4d5e6f",
        "HOMELAB_OWNER": "lab",
        "HOMELAB_RESULT": "ok",
        # journald keeps several values of a field in an order of its own.
        "HOMELAB_CHANGED": ["hv/vlan/old", "hv/vlan/guests"],
        "HOMELAB_REMOVED": "hv/vlan/old",
        **more,
    }


LINE = {
    "time": 1764590400,
    "operator": "olga@desk",
    "route": "ansible",
    "commit": "1a2b3c4d5e6f",
    "outcome": "ok",
    "changed": ["hv/vlan/guests", "hv/vlan/old"],
    "removed": ["hv/vlan/old"],
    "omitted": "",
}


def facts(since=""):
    [seen] = observed.observer.observe([{"since": since}], "lab")
    return seen.facts


def test_lines_are_read_as_they_were_written(commands):
    commands[1].append("".join(json.dumps(one) + "\n" for one in (entry(), entry(HOMELAB_RESULT="failed"))))
    assert facts() == {"lines": [LINE, LINE | {"outcome": "failed"}], "most": 100}


def test_what_is_no_line_of_a_run_is_left_out(commands):
    # A field that is missing, or too long for journalctl to show.
    other = {"__REALTIME_TIMESTAMP": "1764590400123456", "MESSAGE": "by another program of root's"}
    commands[1].append("".join(json.dumps(one) + "\n" for one in (other, entry(HOMELAB_COMMIT=None, HOMELAB_REMOVED=None))))
    assert facts()["lines"] == [LINE | {"commit": "", "removed": []}]


def test_an_empty_journal_has_no_lines(commands):
    assert facts() == {"lines": [], "most": 100}


def matches(argv, entry):
    """Whether journalctl(1) would show an entry: fields of one name are alternatives, of several all must match."""
    wanted = {}
    for one in argv[1:]:
        if not one.startswith("-"):
            name, value = one.split("=", 1)
            wanted.setdefault(name, set()).add(value)
    return bool(wanted) and all(entry.get(name) in values for name, values in wanted.items())


@pytest.mark.parametrize(
    ("trusted", "counts"),
    [
        ({"_UID": "0", "_TRANSPORT": "journal"}, True),
        # `logger --journald` of a service user, who may write each field that has no underscore.
        ({"_UID": "2001", "_TRANSPORT": "journal"}, False),
        # A program of root's that prints what a user wrote.
        ({"_UID": "0", "_TRANSPORT": "stdout"}, False),
        ({"_UID": "0", "_TRANSPORT": "syslog"}, False),
    ],
)
def test_only_lines_of_root_count_since_any_user_may_write_the_rest(commands, trusted, counts):
    facts()
    [(argv, _, _)] = commands[0]
    written = {"SYSLOG_IDENTIFIER": "homelab", "HOMELAB_OPERATOR": "forged@desk", "HOMELAB_RESULT": "ok", **trusted}
    assert matches(argv, written) is counts


def test_reading_is_bounded_and_a_time_is_never_an_option(commands):
    facts(since="--vacuum-size=1")
    [(argv, _, more)] = commands[0]
    assert "--lines=100" in argv
    assert "--since=--vacuum-size=1" in argv
    assert more["limit"] == observed.LARGEST
    assert more["env"] == {"TZ": "UTC"}
