"""What a kind's module says of a unit's texts, before anything on the host sees them: the same as zod."""

import copy
from pathlib import Path

import pytest
import yaml
from writers import kinds

from ansible.module_utils.homelab.apply.module import split_valid
from ansible.module_utils.homelab.core import specification, validation
from ansible.module_utils.homelab.observe.quadlet import unit_file

TABLE = yaml.safe_load((Path(__file__).parents[1] / "inventory" / "values.yml").read_text(encoding="utf-8"))


def unit_with(resource, field, value):
    whole = copy.deepcopy(resource)
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
    return kinds()[kind.replace("-", "_")]


@pytest.mark.parametrize(("kind", "resource"), cases("kept"))
def test_what_is_kept_has_no_faults(kind, resource):
    observer = observer_of(kind)
    assert observer.errors(observer.normalise(resource, {})) == []


@pytest.mark.parametrize(("kind", "resource"), cases("refused"))
def test_what_is_refused_is_told_and_never_looked_at(kind, resource):
    observer = observer_of(kind)
    resources, results = split_valid(observer, [observer.normalise(resource, {})])
    assert resources == []
    assert [(result["failed"], result["changed"]) for result in results] == [(True, False)]
    assert ": expected " in results[0]["msg"]


def test_a_kept_value_of_a_section_is_one_setting():
    exec_field = next(field for row in TABLE for field in row["fields"] if field["at"] == ["sections", "Container", "Exec"])
    for value in exec_field["kept"]:
        resource = {"name": "a.container", "sections": {"Container": {"Exec": value, "Image": "x"}}}
        text = unit_file.files_of(resource)["a.container"]
        assert text == f"[Container]\nExec={value}\nImage=x\n"
        assert unit_file.settings(text) == {"Container": [("Exec", value), ("Image", "x")]}


def test_a_unit_without_name_or_text_is_told():
    observer = observer_of("quadlet-unit")
    assert observer.contradictions({"user": "web", "content": ""}) == ["name: missing, the unit's file name"]
    assert observer.contradictions({"name": "a.container"}) == ["expected exactly one of sections, source or content"]
    assert observer.contradictions({"name": "a.container", "content": "[Container]\nServiceName=-x\n"}) == [
        "ServiceName=: expected a service's name, got '-x.service'"
    ]


@pytest.mark.parametrize(("owner", "good"), [("lab", True), ("a-1", True), ("../x", False), ("", False), ("a b", False), ("lab\n", False)])
def test_an_owner_is_part_of_paths_and_comments(owner, good):
    assert (validation.errors(specification.OWNER, owner, "homelab_owner") == []) is good


def test_dropins_count_in_the_order_of_their_names():
    dropins = {"20.conf": "[Container]\nPublishPort=\nPublishPort=2:2\n", "10.conf": "[Container]\nPublishPort=1:1\n"}
    resource = {"name": "a.container", "content": "[Container]\n", "dropins": dropins}
    assert unit_file.values(resource, "Container", "PublishPort") == ["2:2"]
