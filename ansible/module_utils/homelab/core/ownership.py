"""The mark that the files of ours bear in their first line."""

from __future__ import annotations


def line(owner: str, kind: str, name: str) -> str:
    """The first line of a file of ours."""
    return f"# homelab: owner={owner} kind={kind} name={name}"


def read(text: str | None) -> dict[str, str]:
    """What a file's first line says: owner, kind and name; empty when it is not ours."""
    first = (text or "").split("\n", 1)[0]
    if not first.startswith("# homelab: "):
        return {}
    return dict(word.split("=", 1) for word in first.split()[2:] if "=" in word)
