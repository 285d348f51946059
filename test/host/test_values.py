"""What a kind's module says of a unit's texts, before anything on the host sees them: the same as zod."""

import copy
import importlib
from pathlib import Path

import pytest
import yaml
from homelab import quadlet, texts
from homelab.module import sort_out

TABLE = yaml.safe_load((Path(__file__).parents[1] / "inventory" / "values.yml").read_text(encoding="utf-8"))


def unit_with(unit, field, value):
    whole = copy.deepcopy(unit)
    path = [*field["at"], value] if field.get("name") else field["at"]
    inner = whole
    for step in path[:-1]:
        inner = inner[step] if isinstance(inner, list) else inner.setdefault(step, {})
    if isinstance(inner, list):
        inner[path[-1] :] = [value]
    else:
        inner[path[-1]] = field["given"] if field.get("name") else value
    return whole


def cases(what):
    return [(row["kind"], unit_with(row["unit"], field, value)) for row in TABLE for field in row["fields"] for value in field[what]]


def observer_of(kind):
    return importlib.import_module(f"homelab.{kind.replace('-', '_')}").observer


@pytest.mark.parametrize(("kind", "unit"), cases("kept"))
def test_what_is_kept_has_no_faults(kind, unit):
    observer = observer_of(kind)
    assert observer.faults(observer.normalise(unit, {})) == []


@pytest.mark.parametrize(("kind", "unit"), cases("refused"))
def test_what_is_refused_is_told_and_never_looked_at(kind, unit):
    observer = observer_of(kind)
    units, results = sort_out(observer, [observer.normalise(unit, {})])
    assert units == []
    assert [(result["failed"], result["changed"]) for result in results] == [(True, False)]
    assert " is not " in results[0]["msg"] or "declare it by itself" in results[0]["msg"]


def test_a_kept_value_of_a_section_is_one_setting():
    exec_field = next(field for row in TABLE for field in row["fields"] if field["at"] == ["sections", "Container", "Exec"])
    for value in exec_field["kept"]:
        unit = {"name": "a.container", "sections": {"Container": {"Exec": value, "Image": "x"}}}
        text = quadlet.files_of(unit)["a.container"]
        assert text == f"[Container]\nExec={value}\nImage=x\n"
        assert quadlet.settings(text) == {"Container": [("Exec", value), ("Image", "x")]}


def test_a_unit_without_name_or_text_is_told():
    observer = observer_of("quadlet-unit")
    assert observer.faults({"user": "web", "content": ""}) == ["name None is not a unit's file name of at most 200 characters"]
    assert observer.faults({"name": "a.container"}) == ["give exactly one of sections, source or content"]
    assert observer.faults({"name": "a.container", "content": "[Container]\nServiceName=-x\n"}) == [
        "ServiceName= '-x.service' is not a service's name"
    ]


@pytest.mark.parametrize(("owner", "good"), [("lab", True), ("a-1", True), ("../x", False), ("", False), ("a b", False), ("lab\n", False)])
def test_an_owner_is_part_of_paths_and_marks(owner, good):
    assert (texts.faults(texts.OWNER, "homelab_owner", owner) == []) is good


def test_dropins_count_in_the_order_of_their_names():
    dropins = {"20.conf": "[Container]\nPublishPort=\nPublishPort=2:2\n", "10.conf": "[Container]\nPublishPort=1:1\n"}
    unit = {"name": "a.container", "content": "[Container]\n", "dropins": dropins}
    assert quadlet.values(unit, "Container", "PublishPort") == ["2:2"]
