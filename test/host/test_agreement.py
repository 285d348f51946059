"""What is announced is what is done: each kind that can disturb what runs, by each class of property. Hosts are mocked."""

from pathlib import Path
from subprocess import CompletedProcess

import libvirt_mock
import pytest
from writers import module

from ansible.module_utils.homelab import domain as domain_kind
from ansible.module_utils.homelab import domain_edit, domain_started, domain_xml, libvirt_host, networkd, quadlet_plan, records, system
from ansible.module_utils.homelab.kind import Observation
from ansible.module_utils.homelab.quadlet_unit import QuadletUnit

Change = module("domain").Change


@pytest.fixture(autouse=True)
def host(monkeypatch, tmp_path):
    """Nothing of this machine is read or written."""
    monkeypatch.setattr(records, "ROOT", tmp_path)
    monkeypatch.setattr(domain_started, "FOLDER", tmp_path)
    monkeypatch.setattr(system, "run", lambda argv, **_: CompletedProcess(argv, 0, "[]", ""))


# Domains.

GUEST = {"name": "web", "memory": "128 MiB", "memory_max": "192 MiB", "vcpus": 2, "vcpus_max": 3}
CD = {"cdrom": "", "target": "sda"}
FIELDS = [
    ({"description": "a guest"}, "live"),
    ({"memory": "160 MiB"}, "live"),
    ({"vcpus": 3}, "live"),
    ({"disks": [{**CD, "cdrom": "/srv/cd.iso"}]}, "live"),
    ({"vcpus": 1}, "next-boot"),
    ({"vcpus_max": 4}, "next-boot"),
    ({"memory_max": "256 MiB"}, "next-boot"),
    ({"cpu": "Nehalem"}, "next-boot"),
    ({"kernel": {"kernel": "/srv/vmlinuz"}}, "next-boot"),
    ({"disks": [CD, {**CD, "target": "sdb"}]}, "next-boot"),
    ({"disks": []}, "next-boot"),
    ({"agent": True}, "next-boot"),
    ({"graphics": "vnc"}, "next-boot"),
    ({"tpm": True}, "next-boot"),
    ({"xml": "<domain><on_crash>restart</on_crash></domain>"}, "next-boot"),
    ({"renamed_from": "web", "name": "other"}, "restart"),
    ({"running": False}, "restart"),
    ({"machine": "pc"}, "replace"),
    ({"firmware": "uefi"}, "replace"),
    ({"vcpus": 3, "cpu": "Nehalem"}, "next-boot"),
]


def whole(**more):
    return domain_kind.observer.normalise({**GUEST, "disks": [CD], **more}, {})


def kind_of(root):
    """Machine type and firmware, by which an installed guest knows its computer."""
    system_of = root.find("os")
    return domain_xml.attribute(system_of, "type", "machine"), domain_xml.firmware_of(system_of)


def done_to(domain, before):
    """The class of what was done to a domain that was of this kind before."""
    if kind_of(domain.root) != before:
        return "replace"
    if "shutdown" in domain.calls:
        return "restart"
    behind = domain.isActive() and set(domain_xml.differences(domain.live, domain.root)) - {"metadata"}
    return "next-boot" if behind else "live"


@pytest.mark.parametrize("restart", ["allowed", "denied"])
@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize(("change", "announced"), FIELDS)
def test_a_domain(monkeypatch, change, announced, runs, restart):
    library = module("domain")
    unit = whole()
    root = domain_edit.skeleton("kvm", "0076fe81-f073-5c47-86dc-ba7f806fd54f", unit)
    # As if with no volume: the disks' files are asked of nobody.
    domain = libvirt_mock.Domain(root, runs=False)
    monkeypatch.setattr(libvirt_host, "library", libvirt_mock.Library)
    monkeypatch.setattr(libvirt_host, "connection", lambda: libvirt_mock.Connection(domain))
    monkeypatch.setattr(networkd, "read_links", lambda: {})
    monkeypatch.setattr(library, "write_files", lambda *_: None)
    leases_dropped = []
    monkeypatch.setattr(library, "forget", lambda _owner, _kind, names: leases_dropped.append((names, domain.isActive())))
    domain_xml.ET.SubElement(root, "name").text = "web"
    domain.root = domain_edit.edited(root, domain_kind.resolved(unit, "lab", []), "lab")
    if runs:
        domain.create()
    domain.calls.clear()
    before = kind_of(domain.root)
    wanted = whole(running=change.get("running", runs), restart=restart, **{key: one for key, one in change.items() if key != "running"})
    expected = announced
    if not runs and announced != "replace":
        expected = "live"
    elif announced == "next-boot" and restart == "allowed":
        expected = "restart"
    writer = library.DomainWriter()
    task = Change(wanted, Observation("web", present=True), {})
    assert writer.disruption(task) == expected
    if expected in ("restart", "replace") and restart == "denied" and "running" not in change:
        # It is refused, so nothing is done.
        monkeypatch.setattr(libvirt_host, "capabilities", lambda _: None)
        monkeypatch.setattr(library.domain_checks, "reasons", lambda *_: [])
        assert "restart: allowed" in " ".join(library.refusals(domain_kind.resolved(wanted, "lab", [])))
        return
    assert writer.apply([task], "lab") == {}
    assert done_to(domain, before) == expected
    assert domain.UUIDString() == "0076fe81-f073-5c47-86dc-ba7f806fd54f"
    assert domain.isActive() == wanted["running"]
    assert not runs or expected in ("restart", "replace") or domain.calls.count("create") == 0
    # A lease of its former name would keep a guest from getting its address when it starts.
    if "renamed_from" in change:
        assert leases_dropped == [(["web"], False)]


# Quadlet units.

RUN = "[Install]\nWantedBy=default.target\n"


def quadlet(name, content, **more):
    return {"user": "web", "name": name, "content": content, "restart": "allowed", "on_delete": "keep", **more}


WEB = quadlet("web.container", f"[Container]\nImage=web.image\n{RUN}", files={"site/index.html": "a"})
IMAGE = quadlet("web.image", "[Image]\nImage=x:1\n")
NET = quadlet("back.network", "[Network]\nSubnet=10.0.0.0/24\n")
DATA = quadlet("data.volume", "[Volume]\nLabel=a=1\n", on_delete="destroy")
DB = quadlet("db.container", f"[Container]\nImage=x\nNetwork=back.network\nVolume=data.volume:/data\n{RUN}")
JOB = quadlet("job.container", "[Container]\nImage=x\n")
ALL = [WEB, IMAGE, NET, DATA, DB, JOB]


@pytest.mark.parametrize(
    ("unit", "announced", "touches"),
    [
        ({**WEB, "content": WEB["content"].replace("[Install]", "ReadOnly=true\n[Install]")}, "restart", []),
        ({**WEB, "files": {"site/index.html": "b"}}, "restart", []),
        ({**WEB, "on_delete": "destroy"}, "live", []),
        ({**WEB, "restart": "denied"}, "live", []),
        ({**JOB, "content": "[Container]\nImage=y\n"}, "live", []),
        ({**IMAGE, "content": "[Image]\nImage=x:2\n"}, "restart", ["web.container"]),
        ({**NET, "content": "[Network]\nSubnet=10.0.1.0/24\n"}, "replace", ["db.container"]),
        ({**DATA, "content": "[Volume]\nLabel=a=2\n"}, "data-loss", ["db.container"]),
        (quadlet("new.container", f"[Container]\nImage=x\n{RUN}"), "live", []),
    ],
)
def test_a_quadlet_unit(monkeypatch, tmp_path, unit, announced, touches):
    library = module("quadlet_unit")
    installed = [{"user": "web", "name": one["name"], "content": one["content"]} for one in ALL]
    past = {one["name"]: quadlet_plan.past_of(QuadletUnit().record_of(one)) for one in ALL}
    active = {one["name"] for one in ALL if one is not JOB}
    now = quadlet_plan.Now(installed=installed, past=past, active=active, objects=["network/systemd-back", "volume/systemd-data"])
    services = Services()
    for name, mock in {
        "Services": lambda _: services,
        "folder_of": lambda *_: tmp_path,
        "check": lambda *_: {},
        "taken_ports": lambda *_: [],
        "write_all": lambda *_: {},
        "note_images": lambda *_: None,
    }.items():
        monkeypatch.setattr(library, name, mock)
    monkeypatch.setattr(library.QuadletUnitWriter, "_now", lambda *_: now)
    writer = library.QuadletUnitWriter()
    name = f"web/{unit['name']}"
    writer.changing = [name]
    assert writer.refuse([unit], "lab") == {}
    change = Change(unit, Observation(name, present=True), {})
    assert writer.disruption(change) == announced
    assert writer.touches(change, "lab") == [f"quadlet-unit web/{one}" for one in touches]
    assert writer.apply([change], "lab") == {}
    assert services.restarted - {unit["name"]} == set(touches)
    assert bool(services.restarted & active) == (announced != "live")
    assert services.made_way == (announced in ("replace", "data-loss"))


class Services:
    """A mock of a user's services, which notes what is restarted and what is removed."""

    user = "web"

    def __init__(self):
        self.restarted, self.made_way = set(), False

    def make_way(self, plan, _everything):
        self.made_way = bool(plan.replaced)
        return {}

    def unmask(self, _services):
        pass

    reload = pull = lambda *_: None

    def bring_up(self, _units, restarted):
        self.restarted = {one["name"] for one in restarted}
        return {}


# VLANs.


@pytest.mark.parametrize(
    ("change", "announced"),
    [({"id": 11}, "replace"), ({"bridge": "br1"}, "replace"), ({"address": "10.0.0.1/24"}, "live"), ({"mtu": 9000}, "live")],
)
def test_a_vlan(monkeypatch, change, announced):
    library = module("vlan")
    vlan = library.Vlan().normalise({"name": "apps", "id": 10, "bridge": "br0", "address": "10.10.10.1/24"}, {})
    link = networkd.Link("apps", True, True, "", 1500, None, "br0", "vlan", {"id": 10}, [], False, {})
    deleted = []
    monkeypatch.setattr(networkd, "read_links", lambda: {"apps": link})
    monkeypatch.setattr(library, "write_files", lambda *_: None)
    monkeypatch.setattr(library, "have_read_anew", lambda _: None)
    monkeypatch.setattr(library, "delete_link", deleted.append)
    monkeypatch.setattr(library, "reload_until", lambda *_: {})
    writer, task = library.VlanWriter(), Change({**vlan, **change}, Observation("apps", present=True), {})
    assert writer.disruption(task) == announced
    writer.apply([task], "lab")
    assert bool(deleted) == (announced == "replace")


# What else a change reaches.


def test_whoever_is_on_a_network_or_belongs_to_a_user_is_told(monkeypatch):
    definition = (Path(__file__).parent / "domain/shut-off.xml").read_text()
    domain = libvirt_mock.Domain(domain_xml.parse(definition), runs=True)
    monkeypatch.setattr(libvirt_host, "library", libvirt_mock.Library)
    monkeypatch.setattr(libvirt_host, "connection", lambda: libvirt_mock.Connection(domain))
    link = networkd.Link("apps", True, True, "", 1500, None, "br0", "vlan", {"id": 10}, [], False, {})
    monkeypatch.setattr(networkd, "read_links", lambda: {"apps": link})
    records.write("lab", "quadlet-unit", "web/web.container", {})
    records.write("lab", "quadlet-unit", "web2/web.container", {})

    def touched(kind, writer, unit):
        return getattr(module(kind), writer)().touches(Change(unit, Observation(unit["name"], present=True), {}), "lab")

    assert touched("bridge", "BridgeWriter", {"name": "br0"}) == ["vlan apps", "domain web"]
    assert touched("bridge", "BridgeWriter", {"name": "br1"}) == []
    assert touched("vlan", "VlanWriter", {"name": "apps", "id": 10, "bridge": "br0"}) == ["domain web"]
    assert touched("vlan", "VlanWriter", {"name": "iot", "id": 20, "bridge": "br0"}) == []
    assert touched("service_user", "ServiceUserWriter", {"name": "web"}) == ["quadlet-unit web/web.container"]
