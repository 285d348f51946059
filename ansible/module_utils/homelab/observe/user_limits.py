"""Observes the limits of a service user: a drop-in of the user's slice, systemd.resource-control(5), and a disk quota.

`limits` of a user is {memory, tasks, cpu, disk}, each of them optional. The drop-in is
/etc/systemd/system/user-<uid>.slice.d/homelab.conf; all that runs as the user, its containers too, is in that slice.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..core import ownership, records, sizes, system
from ..core.observer import Resource
from . import disk_quota

FOLDER = Path("/etc/systemd/system")
DROPIN = "homelab.conf"
KIND = "service-user"

# Units of time as systemctl(1) prints them, in microseconds.
TIMES = {"us": 1, "ms": 1000, "s": 1000**2, "min": 60 * 1000**2, "h": 3600 * 1000**2}
# CPU time per second that is one percent of one CPU, in microseconds.
PERCENT = 10_000
# A property of the slice for each setting of the drop-in.
PROPERTIES = {"MemoryMax": "MemoryMax", "MemorySwapMax": "MemorySwapMax", "TasksMax": "TasksMax", "CPUQuota": "CPUQuotaPerSecUSec"}


def differences(resource: Resource, owner: str) -> list[str]:
    """Return how the limits on the host differ from a user's: the file, the values in force, and the quota."""
    path, wanted = file_of(resource["uid"]), render(resource, owner)
    text = system.read_text(path)
    of_file = system.text_diff(str(path), text, wanted) if wanted is not None or is_ours(text) else ""
    return [one for one in [of_file, *_running_differences(resource), disk_quota.difference(resource)] if one]


def recorded(resource: Resource) -> records.Record:
    """Return what a record holds of the limits: a quota carries no owner, and is removed only where we set it."""
    disk = limits_of(resource).get("disk")
    return {"limits": {"disk": disk}} if disk else {}


def limits_of(resource: Resource) -> dict[str, Any]:
    """Return the declared limits."""
    return resource.get("limits") or {}


def slice_of(uid: int) -> str:
    """Return the slice of a user, which systemd-logind makes."""
    return f"user-{uid}.slice"


def file_of(uid: int) -> Path:
    """Return the drop-in for a user's slice."""
    return FOLDER / f"{slice_of(uid)}.d" / DROPIN


def files_of(name: str) -> list[Path]:
    """Return the drop-ins that homelab wrote for a user, whatever became of the account."""
    wanted = {"kind": KIND, "name": name}
    return [path for path in sorted(FOLDER.glob(f"user-*.slice.d/{DROPIN}")) if wanted.items() <= _mark(path).items()]


def is_ours(text: str | None) -> bool:
    """Return whether a drop-in is homelab's, of any owner."""
    return ownership.read(text).get("kind") == KIND


def render(resource: Resource, owner: str) -> str | None:
    """Return the text of a user's drop-in, None where no limit needs one."""
    settings = settings_of(limits_of(resource))
    lines = [ownership.line(owner, KIND, resource["name"]), "[Slice]", *(f"{key}={value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n" if settings else None


def settings_of(limits: dict[str, Any]) -> dict[str, str]:
    """Return the settings of the slice."""
    settings: dict[str, str] = {}
    if "memory" in limits:
        # With swap, a user at its limit would fill that of the whole host instead.
        settings |= {"MemoryMax": f"{sizes.mebibytes(limits['memory'])}M", "MemorySwapMax": "0"}
    if "tasks" in limits:
        settings["TasksMax"] = str(limits["tasks"])
    if "cpu" in limits:
        settings["CPUQuota"] = limits["cpu"]
    return settings


def is_stale(resource: Resource) -> bool:
    """Return whether systemd has to read its units again, so that the file is in force."""
    return state_of(resource["uid"]).get("NeedDaemonReload") == "yes" or bool(_running_differences(resource))


def state_of(uid: int) -> dict[str, str]:
    """Return the state and limits of a user's slice as systemd has them."""
    shown = ",".join(["ActiveState", "NeedDaemonReload", *PROPERTIES.values()])
    lines = system.run(["systemctl", "show", "-p", shown, slice_of(uid)]).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _running_differences(resource: Resource) -> list[str]:
    """Return which declared limits are not in force. While nothing runs as the user, the file alone counts."""
    settings = settings_of(limits_of(resource))
    state = state_of(resource["uid"]) if settings else {}
    if state.get("ActiveState") != "active":
        return []
    running = {key: _plain(key, state.get(PROPERTIES[key], "unknown")) for key in settings}
    wanted = {key: _plain(key, value) for key, value in settings.items()}
    where = slice_of(resource["uid"])
    return [f"{where}: {key} is {running[key]}, wanted {wanted[key]}" for key in settings if running[key] != wanted[key]]


def _plain(key: str, value: str) -> str:
    """Return a value in one form, whether of the file or as systemctl(1) prints it: a size, a number, or a percentage."""
    if key.startswith("Memory") and (match := re.fullmatch(r"([0-9]+)(M?)", value)):
        return sizes.shown(int(match[1]) * (sizes.MIB if match[2] else 1))
    parts = re.findall(r"([0-9.]+)([a-z]+)", value)
    if key == "CPUQuota" and parts and all(unit in TIMES for _, unit in parts):
        return f"{round(sum(float(count) * TIMES[unit] for count, unit in parts) / PERCENT, 4):g}%"
    return value


def _mark(path: Path) -> dict[str, str]:
    return ownership.read(system.read_text(path))
