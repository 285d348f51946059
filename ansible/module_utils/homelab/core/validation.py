"""Checks resources against core/specification.py, so that no value becomes another line, option or path on the host. Pure.

Through Pulumi, zod has checked the same schemas before; plain Ansible has this alone. test/inventory/values.yml holds both
to the same answers. Of JSON Schema (draft 2020-12) it knows what zod generates of our schemas.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any

Schema = dict[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
WORDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def errors(schema: Schema, value: Any, path: str = "") -> list[str]:
    """Return one text per value that a schema does not accept: where, what was expected, what was found."""
    return [f"{where}: expected {expected}, got {_shown(found)}" for where, expected, found in _violations(schema, value, path)]


def with_defaults(schema: Schema, value: Any) -> Any:
    """Return a value with the defaults of its schema, at every depth. Anything of another type stays as it is."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = {key: one["default"] for key, one in properties.items() if key not in value and "default" in one}
        return {**missing, **{key: with_defaults(properties.get(key, {}), one) for key, one in value.items()}}
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(schema["items"], one) for one in value]
    return value


def with_present_keys(renamed: dict[str, str], resource: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a resource with its former keys under their present names, and one text per former key.

    `renamed` maps paths such as `ports[].trunk` to names. A mapping that has both keys keeps both, which is an error.
    """
    whole, found = copy.deepcopy(resource), []
    for path, present in renamed.items():
        *parents, former = path.split(".")
        for mapping in _mappings(whole, parents):
            if former in mapping and present not in mapping:
                mapping[present] = mapping.pop(former)
                found.append(f"{former} is now called {present}; the former name is accepted in this version only")
    return whole, list(dict.fromkeys(found))


def redact(text: str, values: Iterable[str]) -> str:
    """Return a text without secret values; a container's journal may hold its own."""
    parts = {part for value in values for part in (value, *value.splitlines()) if part.strip()}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "********")
    return text


def _mappings(value: Any, parents: list[str]) -> Iterator[dict[str, Any]]:
    if not parents:
        if isinstance(value, dict):
            yield value
        return
    inner = value.get(parents[0].removesuffix("[]")) if isinstance(value, dict) else None
    for one in inner if isinstance(inner, list) else [inner]:
        yield from _mappings(one, parents[1:])


def _violations(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if "anyOf" in schema:
        if all(any(_violations(one, value, path)) for one in schema["anyOf"]):
            yield path, schema.get("x-expected") or _any_expected(schema["anyOf"], value, path), value
        return
    if not _has_type(schema, value):
        yield path, _expected(schema), value
        return
    if isinstance(value, dict):
        yield from _in_mapping(schema, value, path)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _violations(schema.get("items", {}), one, f"{path}.{index}")
    else:
        yield from _in_scalar(schema, value, path)


def _in_mapping(schema: Schema, value: dict[str, Any], path: str) -> Iterator[tuple[str, str, Any]]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key in schema.get("required", []):
        if key not in value and "default" not in properties.get(key, {}):
            yield f"{path}.{key}".lstrip("."), _expected(properties[key]), None
    for key, one in value.items():
        where = f"{path}.{key}".lstrip(".")
        for _, expected, _found in _violations(schema.get("propertyNames", {}), key, where):
            yield where, expected, key
        if key in properties:
            yield from _violations(properties[key], one, where)
        elif others is False:
            yield where, f"one of {', '.join(properties)}", key
        elif isinstance(others, dict):
            yield from _violations(others, one, where)


def _in_scalar(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if "enum" in schema and value not in schema["enum"]:
        yield path, f"one of {', '.join(map(str, schema['enum']))}", value
    if "const" in schema and value != schema["const"]:
        yield path, repr(schema["const"]), value
    for part in [schema, *schema.get("allOf", [])]:
        if "pattern" in part and not re.search(part["pattern"], value):
            yield path, part.get("x-expected") or _expected(schema), value
            return
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        yield path, schema.get("x-expected") or f"{low} to {high}", value
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield path, "a string that is not empty" if not value else f"at most {schema.get('maxLength')} characters", value


def _has_type(schema: Schema, value: Any) -> bool:
    words = schema.get("type", [])
    words = [words] if isinstance(words, str) else words
    if not words:
        return True
    # To Python, a boolean is a number, too.
    return any(isinstance(value, TYPES[word]) and (word == "boolean" or not isinstance(value, bool)) for word in words)


def _any_expected(schemas: list[Schema], value: Any, path: str) -> str:
    """Return what the schemas of the value's own type expect, or else what any of them does."""
    same = [one for one in schemas if _has_type(one, value)] or schemas
    found = [expected for one in same for _, expected, _found in list(_violations(one, value, path))[:1]]
    return " or ".join(dict.fromkeys(found))


def _expected(schema: Schema) -> str:
    words = schema.get("type", "a value")
    return schema.get("x-expected") or " or ".join(WORDS.get(word, word) for word in ([words] if isinstance(words, str) else words))


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value!r:.80}"
