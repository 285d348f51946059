"""Mocks of a guest's agent, honest and lying, in place of libvirt's library that asks it."""

import base64
import json
import sys
from types import SimpleNamespace

MIB = 1024 * 1024
PID = {"return": {"pid": 1}}


def status(said):
    """The answers of a guest in which `cloud-init status` says this."""
    output = base64.b64encode(json.dumps(said).encode()).decode()
    return {"guest-exec": PID, "guest-exec-status": {"return": {"exited": True, "out-data": output}}}


def exits_with(**members):
    """The answers of a guest in which a program ends so."""
    return {"guest-exec": PID, "guest-exec-status": {"return": {"exited": True, **members}}}


def said(text):
    """The answers of a guest in which a program prints this."""
    return exits_with(**{"out-data": base64.b64encode(text.encode()).decode()})


DEEP = "[" * 100_000
# What a guest answers to `guest-exec` and `guest-exec-status`; a text is sent as it is.
LYING = {
    "never exits": {"guest-exec": PID, "guest-exec-status": {"return": {"exited": False}}},
    "no answer at all": {"guest-exec": "", "guest-exec-status": ""},
    "garbage": {"guest-exec": "\x00\xff{]", "guest-exec-status": "\x1b[2J"},
    "a list": {"guest-exec": [1, 2]},
    "no return": {"guest-exec": {"error": {"class": "x"}}},
    "no process": {"guest-exec": {"return": {}}},
    "a text as process": {"guest-exec": {"return": {"pid": "1"}}},
    "true as process": {"guest-exec": {"return": {"pid": True}}},
    "exits with a number": {"guest-exec": PID, "guest-exec-status": {"return": {"exited": 1}}},
    "exits with null": {"guest-exec": PID, "guest-exec-status": {"return": None}},
    "deep": {"guest-exec": DEEP},
    "a number without end": {"guest-exec": '{"return": {"pid": ' + "9" * 10_000 + "}}"},
    "megabytes": {"guest-exec": json.dumps({"return": {"pid": 1, "x": "y" * 9 * MIB}})},
    "megabytes of output": said("y" * 5 * MIB),
    "output that is a list": exits_with(**{"out-data": ["a"]}),
    "output that is no base64": exits_with(**{"out-data": "é!"}),
    "output that is deep": said(DEEP),
    "output that is a number": said("1"),
    "output that is garbage": exits_with(**{"out-data": base64.b64encode(b"\xff\xfe").decode()}),
    "a status that is a list": said('{"status": ["done"]}'),
    "errors that are an object": said('{"status": "running", "errors": {"a": 1}}'),
}


def answer_with(monkeypatch, **answers):
    """Have the guest's agent answer so to commands, and to a ping. Return the commands that it was asked, with their limits."""
    answers = {"guest-ping": {"return": {}}} | answers
    asked = []

    def command(_domain, text, seconds, _flags):
        name = json.loads(text)["execute"]
        asked.append((name, seconds))
        found = answers[name]
        return found if isinstance(found, str) else json.dumps(found)

    monkeypatch.setitem(sys.modules, "libvirt_qemu", SimpleNamespace(qemuAgentCommand=command))
    return asked
