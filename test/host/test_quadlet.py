"""Quadlet units as text, and what follows from it. Pure."""

from pathlib import Path

import pytest
import yaml

from ansible.module_utils.homelab.observe.quadlet import unit_file
from ansible.module_utils.homelab.observe.quadlet.observer import QuadletUnit

UNIT = {
    "name": "web.container",
    "sections": {
        "Install": {"WantedBy": "default.target"},
        "Container": {"PublishPort": ["8080:80", "127.0.0.1:53:53/udp"], "Image": "web.image", "ReadOnly": True},
    },
}


def test_sections_have_one_order_whatever_the_order_given():
    turned = {**UNIT, "sections": dict(reversed(UNIT["sections"].items()))}
    assert unit_file.files_of(UNIT) == unit_file.files_of(turned)
    text = unit_file.files_of(UNIT)["web.container"]
    assert text.startswith("[Container]\nImage=web.image\nPublishPort=8080:80\nPublishPort=127.0.0.1:53:53/udp\nReadOnly=true\n")
    assert text.endswith("[Install]\nWantedBy=default.target\n")


def test_a_native_file_stays_as_it_is():
    text = "# mine\n[Container]\nImage = x\n\n\n"
    assert unit_file.files_of({"name": "x.container", "content": text}) == {"x.container": text}


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("a.container", "a"),
        ("a.pod", "a-pod"),
        ("a.network", "a-network"),
        ("a.volume", "a-volume"),
        ("a.image", "a-image"),
        ("a.kube", "a"),
    ],
)
def test_the_service_of_a_unit(name, service):
    assert unit_file.service_of({"name": name, "content": ""}) == f"{service}.service"


def test_service_name_overrides():
    assert unit_file.service_of({"name": "a.pod", "content": "[Pod]\nServiceName=other\n"}) == "other.service"


def test_ports_that_a_unit_publishes():
    assert unit_file.ports(UNIT) == [
        {"host_ip": "", "host_port": "8080", "container_port": "80", "protocol": "tcp"},
        {"host_ip": "127.0.0.1", "host_port": "53", "container_port": "53", "protocol": "udp"},
    ]


def test_a_dropin_can_clear_what_the_unit_says():
    unit = {**UNIT, "dropins": {"10.conf": "[Container]\nPublishPort=\nPublishPort=9090:80\n"}}
    assert [port["host_port"] for port in unit_file.ports(unit)] == ["9090"]


def test_what_a_unit_uses():
    unit = {
        "name": "x.container",
        "content": "[Container]\nImage=web.image\nVolume=data.volume:/data:ro\nNetwork=net.network:ip=10.0.0.2\n",
    }
    assert unit_file.uses(unit) == {"web.image", "data.volume", "net.network"}


def test_a_unit_runs_when_its_install_section_says_so():
    assert unit_file.should_run(UNIT) is True
    assert unit_file.should_run({**UNIT, "running": False}) is False
    assert unit_file.should_run({"name": "x.container", "content": "[Container]\nImage=x\n"}) is None


def test_who_uses_a_unit_directly_or_through_another():
    units = [
        {"name": "a.container", "content": "[Container]\nPod=p.pod\n"},
        {"name": "p.pod", "content": "[Pod]\nNetwork=n.network\n"},
        {"name": "b.container", "content": "[Container]\nImage=x\n"},
    ]
    used = {unit["name"]: unit_file.uses(unit) for unit in units}
    assert {unit["name"] for unit in unit_file.users_of(["n.network"], units, used)} == {"p.pod", "a.container"}


def test_files_named_as_source_are_filled_in():
    kind = QuadletUnit()
    unit = kind.normalise(
        {"user": "u", "source": "files/x.container", "files": {"a": {"source": "f"}, "b": "text"}}, {"files/x.container": "X", "f": "F"}
    )
    assert (unit["name"], unit["content"], unit["files"]) == ("x.container", "X", {"a": "F", "b": "text"})


def rendered(value):
    return unit_file.render_sections({"Container": {"Exec": value, "Image": "x"}})


def test_an_empty_value_and_an_empty_section_are_said():
    assert unit_file.settings(rendered(["", "a"]))["Container"] == [("Exec", ""), ("Exec", "a"), ("Image", "x")]
    assert unit_file.settings(unit_file.render_sections({"Network": {}})) == {"Network": []}


@pytest.mark.parametrize(
    ("install", "service", "runs"),
    [("", "a@.service", None), ("WantedBy=w", "a@.service", None), ("WantedBy=w\nDefaultInstance=d", "a@d.service", True)],
)
def test_a_template_runs_as_its_default_instance(install, service, runs):
    unit = {"name": "a@.container", "content": f"[Container]\nImage=x\n[Install]\n{install}\n"}
    assert (unit_file.service_of(unit), unit_file.should_run(unit)) == (service, runs)


@pytest.mark.parametrize(
    ("name", "image", "file"),
    [
        ("a.image", "docker-archive:/srv/a.tar", "/srv/a.tar"),
        ("a.image", "oci-archive:/srv/a.tar:localhost/a:1", "/srv/a.tar"),
        ("a.image", "docker-archive:%h/a.tar", None),
        ("a.image", "docker.io/library/caddy:2", None),
        ("a.container", "docker-archive:/srv/a.tar", None),
    ],
)
def test_the_archive_of_an_image(name, image, file):
    section = unit_file.section_of({"name": name})
    assert unit_file.archive_of({"name": name, "content": f"[{section}]\nImage={image}\n"}) == file


FILES = yaml.safe_load((Path(__file__).parents[1] / "inventory" / "quadlet-files.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FILES, ids=lambda case: case["name"])
def test_a_file_is_read_as_by_the_other_parser(case):
    unit = {"name": "a.container", "content": case["text"]}
    # Sections that come again are one to this parser.
    by_section = {}
    for section, key, value in case["settings"]:
        by_section.setdefault(section, []).append((key, value))
    assert {name: pairs for name, pairs in unit_file.settings(case["text"]).items() if pairs} == by_section
    assert [name for value in unit_file.values(unit, "Container", "Secret") for name in unit_file.secrets_in(value)] == case["secrets"]
    wanted = [
        {"host_ip": one["ip"], "host_port": one["host"], "container_port": one["container"], "protocol": one["protocol"]}
        for one in case["ports"]
    ]
    assert unit_file.ports(unit) == wanted
