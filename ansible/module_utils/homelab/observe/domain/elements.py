"""Elements of a definition: created where they are missing, and set."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .definition import Element


def child(parent: Element, tag: str) -> Element:
    """Return a child, created where it is missing."""
    found = parent.find(tag)
    return found if found is not None else ET.SubElement(parent, tag)


def text(parent: Element, tag: str, value: object) -> None:
    """Set the text of a child."""
    child(parent, tag).text = str(value)


def optional_text(parent: Element, tag: str, value: object) -> None:
    """Set the text of a child, or remove it where there is none."""
    if value is not None:
        text(parent, tag, value)
    elif (found := parent.find(tag)) is not None:
        parent.remove(found)


def set_attributes(element: Element, **attributes: str) -> None:
    """Set attributes of an element."""
    for name, value in attributes.items():
        element.set(name, value)
