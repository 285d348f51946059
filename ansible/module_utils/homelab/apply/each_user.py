"""Works on the resources of several users so that none of them costs another one anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ..core.observer import Resource
from ..observe.quadlet.users import by_user, why_of
from .writer import Errors

Item = TypeVar("Item")


def of_resources(resources: Iterable[Resource], work: Callable[[str, list[Resource]], Errors]) -> Errors:
    """Return what fails, as `user/name`, of work that returns what fails of one user's resources by their names."""
    groups = by_user(list(resources))
    return _of_each([(user, mine, [one["name"] for one in mine]) for user, mine in groups], work)


def of_names(names: Sequence[str], work: Callable[[str, list[str]], Errors]) -> Errors:
    """Return the same of resources that are given as `user/name`."""
    users = dict.fromkeys(name.split("/", 1)[0] for name in names)
    groups = [(user, [name.split("/", 1)[1] for name in names if name.startswith(f"{user}/")]) for user in users]
    return _of_each([(user, mine, mine) for user, mine in groups], work)


def _of_each(groups: Iterable[tuple[str, list[Item], list[str]]], work: Callable[[str, list[Item]], Errors]) -> Errors:
    errors: Errors = {}
    for user, items, names in groups:
        try:
            failed = work(user, items)
        except Exception as error:
            # Whatever a user's programs and files bring about is that user's failure alone.
            failed = dict.fromkeys(names, why_of(user, error))
        errors |= {f"{user}/{name}": reason for name, reason in failed.items()}
    return errors
