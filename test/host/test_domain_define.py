"""What libvirt has against a definition, asked without defining it. libvirt and xmllint are mocks."""

from subprocess import CompletedProcess

import libvirt_mock
import pytest

from ansible.module_utils.homelab.apply.domain import define
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.observe import libvirt_host
from ansible.module_utils.homelab.observe.domain import definition, edit
from ansible.module_utils.homelab.observe.domain import observer as domain_kind

XML = "<domain><devices><frobnicator/></devices></domain>"
BY_SCHEMA = "-:35: element devices: Relax-NG validity error : Element domain failed to validate content\n- fails to validate\n"


class Error(Exception):
    """What the binding raises: words and a code."""

    def get_error_code(self):
        return self.args[1]

    def __str__(self):
        return self.args[0]


class Library(libvirt_mock.Library):
    libvirtError = Error
    VIR_ERR_XML_ERROR = 27


class Connection:
    """Takes what has no words against it."""

    def __init__(self, *words):
        self.words = words

    def lookupByUUIDString(self, _uuid):
        raise Error("no domain", 42)

    def domainXMLToNative(self, _form, text, _flags):
        assert text.startswith("<domain")
        if self.words:
            raise Error(*self.words)


@pytest.mark.parametrize(
    ("more", "words", "schema", "told"),
    [
        ({}, (), BY_SCHEMA, []),
        ({"xml": XML}, (), "", []),
        (
            {"xml": XML},
            (),
            BY_SCHEMA,
            ["libvirt's schema rejects it with its xml:\n" + BY_SCHEMA.removeprefix("-:35: ").splitlines()[0]],
        ),
        ({}, ("IDE is not here", 27), "", ["libvirt rejects it: IDE is not here"]),
        ({"running": False}, ("IDE is not here", 27), "", ["libvirt rejects it: IDE is not here"]),
        ({}, ("network default is not active", 55), "", []),
    ],
)
def test_what_libvirt_refuses_is_told_before_it_is_defined(monkeypatch, more, words, schema, told):
    resource = domain_kind.observer.normalise({"name": "web", "memory": "128 MiB", **more}, {})
    monkeypatch.setattr(define, "lookup", lambda _: None)
    monkeypatch.setattr(define, "SCHEMA", "/")
    monkeypatch.setattr(libvirt_host, "library", Library)
    monkeypatch.setattr(libvirt_host, "connection", lambda: Connection(*words))
    monkeypatch.setattr(libvirt_host, "acceleration", lambda: "kvm")
    monkeypatch.setattr(system, "installed", lambda _: True)
    monkeypatch.setattr(system, "run", lambda argv, **_: CompletedProcess(argv, 3 if schema else 0, "", schema))
    monkeypatch.setattr(domain_kind, "lookup", lambda _: None)
    found = define.rejected(domain_kind.resolved(resource, "lab", []), "lab")
    assert found == told


def test_nobody_is_asked_about_a_definition_that_stays(monkeypatch):
    monkeypatch.setattr(domain_kind, "lookup", lambda _: None)
    monkeypatch.setattr(domain_kind, "free_uuid", lambda *_: "0076fe81-f073-5c47-86dc-ba7f806fd54f")
    resource = domain_kind.resolved(domain_kind.observer.normalise({"name": "web", "memory": "128 MiB"}, {}), "lab", [])
    root = edit.edited(edit.skeleton("kvm", "0076fe81-f073-5c47-86dc-ba7f806fd54f", resource), resource, "lab")
    monkeypatch.setattr(define, "lookup", lambda _: libvirt_mock.Domain(root, runs=True))
    monkeypatch.setattr(libvirt_host, "library", Library)
    assert define.rejected(resource, "lab") == []


def test_of_the_host_nothing_is_taken_to_look_at_a_definition():
    root = definition.parse(
        "<domain><devices><hostdev/><tpm/><disk/><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
        "<script path='/srv/script'/><vlan><tag id='10'/></vlan></interface></devices></domain>"
    )
    assert (
        definition.render(define.without_the_host(root)).split()
        == definition.render(
            definition.parse(
                "<domain><devices><disk/><interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>"
            )
        ).split()
    )
