"""What texts of units may hold, so that none becomes another line, option or path on the host. Pure.

providers/text.ts and the kinds' schema.ts say the same on the way through Pulumi; plain Ansible has this alone.
test/inventory/values.yml holds both together.
"""

from __future__ import annotations

import re

# All but tab, line feed and carriage return.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff"
_PART = rf"(?!\.{{1,2}}(?:/|\Z))[^/\t\r\n{_CONTROL}]+"

_FORMS = {
    "text without control characters": rf"[^{_CONTROL}]*",
    # systemd.syntax(7): what would begin another line, join the next one, or be cut off at its ends.
    "one line of text, without blanks at its ends or \\ at its end": rf"(?:(?!\s)[^\r\n{_CONTROL}]*(?<![\s\\]))?",
    "a name of letters, digits and -": r"[A-Za-z][A-Za-z0-9-]*",
    "a path below a folder": rf"{_PART}(?:/{_PART})*",
    "a link's name": r"(?!(?:all|default|[0-9]+)\Z)[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}",
    "a MAC address": r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}",
    "an IPv4 address": r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}",
    "an IPv4 address with prefix": r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}",
    "a Debian package's name": r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.]",
    "a host's name or address": r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]",
    "a table's name": r"[A-Za-z_][A-Za-z0-9_]{0,62}",
    "a new user's name": r"(?!(?:root|system)\Z)[a-z_][a-z0-9_-]{0,30}",
    "a user's name": r"(?!(?:root|system)\Z)[A-Za-z_][A-Za-z0-9_.-]{0,31}",
    "a unit's file name": r"(?!.*@\.)[A-Za-z0-9_][A-Za-z0-9@_.:-]*\.(?:container|pod|network|volume|kube|image|build)",
    "a drop-in's file name": r"(?!homelab-stopped\.conf\Z)[A-Za-z0-9_][A-Za-z0-9_.-]*\.conf",
    "a service's name": r"[A-Za-z0-9_][A-Za-z0-9_.:@\\%-]*",
}

NATIVE, VALUE, KEY, PATH, LINK, MAC, ADDRESS, CIDR, PACKAGE, URL_HOST, TABLE, NEW_USER, USER, UNIT, DROPIN, SERVICE = _FORMS


def faults(form: str, label: str, *values: object) -> list[str]:
    """What is said of those values that do not have the form; `label` is the name under which a user gives them."""
    good = re.compile(_FORMS[form])
    return [f"{label} {value!r} is not {form}" for value in values if not (isinstance(value, str) and good.fullmatch(value))]
