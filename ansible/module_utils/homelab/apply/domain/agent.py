"""Asks a guest's agent (QEMU Guest Agent Protocol Reference). The guest may be hostile.

Every answer is bounded in size and checked for its form, and everything that is asked has one absolute deadline.
"""

from __future__ import annotations

import base64
import importlib
import json
import time
from typing import Any, TypeVar

from ...observe import libvirt_host

CALL_SECONDS = 5
# How long `cloud-init status` may take in a guest.
STATUS_SECONDS = 60
# Characters; a status of cloud-init has some hundred.
LONGEST_ANSWER = 1024 * 1024
WORDS: dict[type, str] = {str: "a string", int: "a whole number", bool: "true or false", dict: "an object", list: "a list"}

Answer = dict[str, Any]
T = TypeVar("T")


class InvalidAnswer(Exception):
    """A guest agent's answer is none; the text gives the reason."""


def is_there(domain: Any, end: float) -> bool:
    """Return whether a guest's agent answers before `end`, in seconds of time.monotonic. Raise InvalidAnswer."""
    try:
        ask(domain, end, "guest-ping")
    except libvirt_host.library().libvirtError:
        return False
    return True


def cloud_init_status(domain: Any, end: float) -> Answer:
    """Return the status of cloud-init in a guest: `status`, `errors` and `detail`. Raise InvalidAnswer or libvirtError."""
    end = min(end, time.monotonic() + STATUS_SECONDS)
    argv = {"path": "cloud-init", "arg": ["status", "--format=json"], "capture-output": True}
    pid = field(ask(domain, end, "guest-exec", **argv), "pid", int)
    while not field(done := ask(domain, end, "guest-exec-status", pid=pid), "exited", bool):
        time.sleep(0.5)
    try:
        output = base64.b64decode(field(done, "out-data", str, ""))
    except ValueError as error:
        raise InvalidAnswer(f"out-data: expected base64 ({error})") from error
    status = parsed(output or b"{}")
    errors = [str(one) for one in field(status, "errors", list, [])]
    return {"status": field(status, "status", str, ""), "errors": errors, "detail": field(status, "detail", str, "")}


def ask(domain: Any, end: float, command: str, **arguments: Any) -> Answer:
    """Return the guest agent's answer to a command. Raise libvirtError, or InvalidAnswer, also when `end` is over."""
    left = end - time.monotonic()
    if left <= 0:
        raise InvalidAnswer(f"no end of {command} in time")
    asked = json.dumps({"execute": command, "arguments": arguments})
    text = importlib.import_module("libvirt_qemu").qemuAgentCommand(domain, asked, max(1, min(CALL_SECONDS, int(left))), 0)
    return field(parsed(text), "return", dict)


def parsed(text: Any) -> Answer:
    """Return the object that a text of JSON is. Raise InvalidAnswer."""
    if not isinstance(text, (str, bytes)) or len(text) > LONGEST_ANSWER:
        raise InvalidAnswer(f"expected at most {LONGEST_ANSWER} characters of JSON")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("expected JSON") from error
    if not isinstance(found, dict):
        raise InvalidAnswer("expected an object of JSON")
    return found


def field(answer: Answer, name: str, kind: type[T], default: T | None = None) -> T:
    """Return a member of an answer, which has exactly this type. Raise InvalidAnswer."""
    found = answer.get(name, default)
    if type(found) is not kind:
        raise InvalidAnswer(f"{name}: expected {WORDS[kind]}, got {str(found)[:40]!r}")
    return found
