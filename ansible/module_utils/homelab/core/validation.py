"""What texts of units may hold, so that none becomes another line, option or path on the host. Pure.

providers/text.ts and the kinds' schema.ts say the same on the way through Pulumi; plain Ansible has this alone.
test/inventory/values.yml holds both together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# All but tab, line feed and carriage return.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff"
_PART = rf"(?!\.{{1,2}}(?:/|\Z))[^/\t\r\n{_CONTROL}]+"


class Pattern(NamedTuple):
    """What a text must look like as a whole, with its name in messages."""

    name: str
    pattern: str


NATIVE = Pattern("text without control characters", rf"[^{_CONTROL}]*")
# systemd.syntax(7): what would begin another line, join the next one, or be cut off at its ends, is none.
VALUE = Pattern("one line of text, without blanks at its ends or \\ at its end", rf"(?:(?!\s)[^\r\n{_CONTROL}]*(?<![\s\\]))?")
KEY = Pattern("a name of letters, digits and -", r"[A-Za-z][A-Za-z0-9-]*")
PATH = Pattern("a path below a folder", rf"{_PART}(?:/{_PART})*")
LINK = Pattern("a link's name", r"(?!(?:all|default|[0-9]+)\Z)[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
MAC = Pattern("a MAC address in lower case", r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
ADDRESS = Pattern("an IPv4 address", rf"(?:{_OCTET}\.){{3}}{_OCTET}")
GUEST_ADDRESS = Pattern("an IPv4 address, or auto", rf"auto|{ADDRESS.pattern}")
CIDR = Pattern("an IPv4 address with prefix", rf"{ADDRESS.pattern}/(?:[0-9]|[12][0-9]|3[0-2])")
PACKAGE = Pattern("a Debian package's name", r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.]")
URL_HOST = Pattern("a host's name or address", r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
TABLE = Pattern("a table's name", r"[A-Za-z_][A-Za-z0-9_]{0,62}")
NEW_USER = Pattern("a new user's name", r"(?!(?:root|system)\Z)[a-z_][a-z0-9_-]{0,30}")
USER = Pattern("a user's name", r"(?!(?:root|system)\Z)[A-Za-z_][A-Za-z0-9_.-]{0,31}")
# Shorter than Podman's 253 and the file system's 255, since a record's file is named after it and its user.
UNIT = Pattern(
    "a unit's file name of at most 200 characters",
    r"(?=.{1,200}\Z)[A-Za-z0-9_][A-Za-z0-9@_.:-]*\.(?:container|pod|network|volume|kube|image|build)",
)
DROPIN = Pattern("a drop-in's file name", r"(?!homelab-stopped\.conf\Z)[A-Za-z0-9_][A-Za-z0-9_.-]*\.conf")
SERVICE = Pattern("a service's name", r"[A-Za-z0-9_][A-Za-z0-9_.:@\\%-]*")
SECRET = Pattern("a secret's name of at most 200 characters", r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,198}[A-Za-z0-9])?")
LIBVIRT_NAME = Pattern("a name of letters, digits, _ . -, at most 63", r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
VOLUME = Pattern("a volume as <pool>/<name>", f"{LIBVIRT_NAME.pattern}/{LIBVIRT_NAME.pattern}")
ABSOLUTE = Pattern("an absolute path", rf"(?:/{_PART})+")
# What cloud-init knows a text by; it takes no notice of any other.
USER_DATA = Pattern(
    "user data that begins with #cloud-config, #!, another # word of cloud-init's, or Content-Type:", rf"(?:#|Content-Type:)[^{_CONTROL}]*"
)
LINE = Pattern("one line of text without control characters", r"[^\x00-\x1f\x7f-\x9f\ufeff]*")
SIZE = Pattern("a size such as 512 MiB or 20 GiB", r"[1-9][0-9]{0,6} (?:MiB|GiB|TiB)")
SHA256 = Pattern("a SHA-256 in lower-case hexadecimal digits", r"[0-9a-f]{64}")
SOURCE = Pattern("a URL (http or https) without blanks, or an absolute path", rf"https?://[!-~]+|{ABSOLUTE.pattern}")
DISK_TARGET = Pattern("a disk's name such as vda or sda", r"(?:vd|sd|hd)[a-z]")
MACHINE = Pattern("a machine type", r"[a-z0-9][a-z0-9.-]{0,62}")
PROCESSOR = Pattern("a processor's model", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
OWNER = Pattern("an owner's name", r"[a-z][a-z0-9-]{0,31}")


def errors(form: Pattern, label: str, *values: object) -> list[str]:
    """What is said of those values that do not have the form; `label` is the name under which a user gives them."""
    good = re.compile(form.pattern)
    return [f"{label} {value!r:.80} is not {form.name}" for value in values if not (isinstance(value, str) and good.fullmatch(value))]


def redact(text: str, values: Iterable[str]) -> str:
    """A text without secret values; a container's journal may hold its own."""
    parts = {part for value in values for part in (value, *value.splitlines()) if part.strip()}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "********")
    return text
