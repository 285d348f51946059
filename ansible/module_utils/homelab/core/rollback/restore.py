"""Restores rules, links and files as a snapshot has them. No step that fails keeps another one from being tried."""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from . import kernel_links, state, store

# Files that a writer leaves when it is killed in the middle of a file (core/system.py, write_text).
SCRATCH = ["/etc/systemd/network/", "/etc/systemd/network/*.d/", "/etc/homelab/nftables/*/", "/var/lib/homelab/*/*/"]
NETWORK = "/etc/systemd/network/"
PATIENCE_SECONDS = 30
ATTEMPTS = 3


class Steps:
    """What was restored, and what was not, with the reason."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.left: list[str] = []

    def take(self, what: str, step: Callable[[], Iterable[str]]) -> None:
        """Take one step, which returns what it restored. Whatever it raises is reported, and costs no other step."""
        try:
            self.did += step()
        except Exception as error:
            self.left.append(f"{what} ({error})")


def roll_back(snapshot: store.Snapshot) -> None:
    """Restore all that a snapshot holds, in several attempts where needed, write the outcome and disarm."""
    did: dict[str, None] = {}
    left: list[str] = []
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(2)
        store.hung.clear()
        steps = restored(snapshot)
        did |= dict.fromkeys(steps.did)
        left = steps.left
        if not left:
            break
    at = time.strftime("%H:%M:%S UTC", time.gmtime())
    store.write_outcome({"run": snapshot["run"], "at": at, "did": list(did), "left": left})
    disarm()


def restored(snapshot: store.Snapshot) -> Steps:
    """Restore the kernel's state first, which lets an operator in again, then files, and what networkd makes of these."""
    steps = Steps()
    same_boot = snapshot["boot"] == store.boot()
    ours = {*snapshot["ours"]}
    if same_boot:
        with contextlib.suppress(OSError):
            ours |= state.link_names()
        steps.take("the rules", lambda: [f"table {name.replace('/', ' ')}" for name in restore_rules(snapshot)])
        steps.take("the links", lambda: restore_in_kernel(snapshot, ours))
    files = restore_files(snapshot["files"], snapshot.get("kinds", state.FORMER_KINDS), steps)
    if same_boot:
        # From files that are not restored, networkd would make again what was just undone.
        if not any(path.startswith(NETWORK) for path in files):
            steps.take("networkd", lambda: restore_links(snapshot, ours, steps.left))
        steps.take("the rules", lambda: check_rules(snapshot))
        restore_parameters({"net/ipv4/ip_forward": snapshot["forwarding"], **snapshot.get("parameters", {})}, steps.left)
    return steps


def restore_files(files: dict[str, Any], kinds: Iterable[str], steps: Steps) -> list[str]:
    """Restore our files, and delete those that the change added. Return the paths of those that are not restored."""
    for scratch in (path for folder in SCRATCH for path in glob.glob(f"{folder}.homelab-*")):
        with contextlib.suppress(OSError):
            os.unlink(scratch)
    failed = []
    present: list[str] = []
    with contextlib.suppress(OSError):
        present = state.files(kinds)
    # Deleted first: that needs no space, and makes some.
    for path in sorted({*present, *files}, key=lambda path: (path in files, path)):
        before = len(steps.left)
        steps.take(path, lambda path=path: restore_file(path, files.get(path)))  # type: ignore[misc]
        failed += [path] if len(steps.left) > before else []
    steps.did = [path for path in steps.did if not path.startswith("/var/lib/homelab/")]
    return failed


def restore_file(path: str, wanted: list[Any] | None) -> list[str]:
    """Restore one file, None for one that was not there. Return its path where it differed."""
    if wanted is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return [path]
    if os.path.exists(path) and store.content(path) == wanted:
        return []
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        store.replace(path, *wanted)
    except OSError:
        # Such as a full disk, on which there is room in place of the file itself.
        store.overwrite(path, *wanted)
    return [path]


def restore_in_kernel(snapshot: store.Snapshot, ours: set[str]) -> list[str]:
    """Restore the links that differ, and return their names."""
    changed = kernel_links.changed_links(snapshot["links"], ours)
    if changed:
        kernel_links.restore(snapshot["links"], changed, snapshot.get("routes", []))
    return [f"link {name}" for name in changed]


def check_rules(snapshot: store.Snapshot) -> list[str]:
    """Restore rules that name a link, and went with it. Raise OSError where rules still differ."""
    restore_rules(snapshot)
    if differing := rules_text(snapshot):
        raise OSError(", ".join(differing))
    return []


def restore_parameters(values: dict[str, str], left: list[str]) -> None:
    """Write kernel parameters back, and add to `left` those that do not take their former value."""
    for key, value in values.items():
        try:
            with open(f"{state.PARAMETERS}/{key}", "w", encoding="utf-8") as stream:
                stream.write(value)
        except OSError:
            left.append(key)


def rules_text(snapshot: store.Snapshot) -> dict[str, str]:
    """Return the input of nft(8) that restores each changed table, by name."""
    was = snapshot["tables"]
    names = sorted({*was, *state.our_tables()})
    changed = [name for name in names if state.listings([name])[name][0] != was.get(name, [""])[0]]
    return {name: table_text(name, was.get(name, ["", ""])[1]) for name in changed}


def restore_rules(snapshot: store.Snapshot) -> list[str]:
    """Restore tables in one transaction, or one by one where one of them fails. Return their names."""
    tables = rules_text(snapshot)
    store.run("nft", "-f", "-", stdin="".join(tables.values()))
    for text in rules_text(snapshot).values():
        store.run("nft", "-f", "-", stdin=text)
    return list(tables)


def table_text(name: str, listing: str) -> str:
    """Return the input of nft(8) that replaces a table."""
    table = "table " + name.replace("/", " ")
    return f"{table}\ndelete {table}\n{listing}"


def restore_links(snapshot: store.Snapshot, ours: set[str], left: list[str]) -> list[str]:
    """Let networkd read its files again and wait until links are as before. Return the changed ones, and add to `left` what differs."""
    was = snapshot["links"]
    changed = kernel_links.changed_links(was, ours)
    for path in glob.glob(f"{NETWORK}*.netdev"):
        # networkd makes a link only of a .netdev that is newer than the one it has read.
        if path in snapshot["files"] and changed:
            os.utime(path)
    store.run("networkctl", "reload")
    end = time.monotonic() + PATIENCE_SECONDS
    asked = not changed
    while (still := kernel_links.changed_links(was, ours)) and time.monotonic() < end:
        if not asked and time.monotonic() > end - PATIENCE_SECONDS + 3:
            asked = True
            for name in still:
                store.run("networkctl", "reconfigure", name)
        time.sleep(0.5)
    if still:
        # What networkd does not restore, such as one that hangs.
        kernel_links.restore(was, still, snapshot.get("routes", []))
        still = kernel_links.changed_links(was, ours)
    left += still
    return [f"link {name}" for name in changed]


def disarm() -> None:
    """Delete the snapshot and stop the timer. Raise OSError where the snapshot stays."""
    # A reset may have left an unfinished one.
    for path in (store.SNAPSHOT, f"{store.SNAPSHOT}.new", store.COPY):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    # A confirmed change survives a power cut.
    store.flush(store.FOLDER)
    store.run("systemctl", "stop", store.TIMER)
