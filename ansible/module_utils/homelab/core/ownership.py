"""The owner in the first line of the files that homelab writes."""

from __future__ import annotations


def line(owner: str, kind: str, name: str) -> str:
    """The first line of a file of ours."""
    return f"# homelab: owner={owner} kind={kind} name={name}"


def read(text: str | None) -> dict[str, str]:
    """Return owner, kind and name from a file's first line; empty when homelab did not write it."""
    first = (text or "").split("\n", 1)[0]
    if not first.startswith("# homelab: "):
        return {}
    return dict(word.split("=", 1) for word in first.split()[2:] if "=" in word)
