"""What is not on a host yet: a preview says it and goes on, since this very run may bring it, and an apply is refused. All is mocked."""

import sys
from subprocess import CompletedProcess

import libvirt_mock
import pytest
from domain_mock import CD, DISK, GUEST, PLUG, mock_host, whole
from machine_mock import OWNER, HostSession, converge, module, records, refused, system, writer_of
from networkd_mock import link

from ansible.module_utils.homelab.observe import image, libvirt_host, networkd, nftables_table
from ansible.module_utils.homelab.observe.kinds import OBSERVERS
from ansible.module_utils.homelab.observe.quadlet import observer as quadlet_unit

LIBVIRT = "libvirt is not installed yet; `hypervisor: true` in homelab_host brings it"
PODMAN = "podman is not installed yet; `podman: true` in homelab_host brings it"
NO_USER = "Error: User does not exist"
NO_MANAGER = "user web does not exist or has no systemd running yet; `service_users` sees to that"
TABLE = {"family": "inet", "name": "guard", "content": "chain c {\n\tmeta skuid web accept\n}\n"}
SECRET = {"user": "web", "name": "db", "digest": "aa"}
CONTAINER = {"user": "web", "name": "web.container", "content": "[Container]\nImage=x\n"}
VLAN = {"name": "apps", "id": 10, "bridge": "br0"}
LIMITED = {"name": "limited", "uid": 59998, "subids": {"start": 4000000000}, "limits": {"tasks": 512, "disk": "20 GiB"}}
VOLUME = {"pool": "vms", "name": "new", "size": "1 GiB"}
BARE = {
    "pool": ({"name": "vms", "path": "/srv/vms"}, LIBVIRT),
    "volume": (VOLUME, LIBVIRT),
    "domain": (GUEST, LIBVIRT),
    "podman_secret": (SECRET, PODMAN),
    "quadlet_unit": (CONTAINER, PODMAN),
    "nftables_table": (TABLE, "nft is not installed yet; `homelab_host` brings it"),
    "service_user": (LIMITED, "limits.disk needs setquota on this host; add package quota to `homelab_host.packages`"),
    "vlan": (VLAN, "there is no bridge br0 on this host yet; `bridges` makes one"),
}


def lacking(kind, resource, changed_kinds=()):
    """What a preview says is lacking for a new unit, which is what an apply is refused for; the run changes kinds `brought`."""
    writer = type("Fresh", (writer_of(kind),), {"changed_kinds": changed_kinds})
    [told], [done] = (converge(writer(), [writer().normalise(resource, {})], OWNER, session) for session in (None, HostSession()))
    assert (told["changed"], told["failed"], done["changed"], done["failed"]) == (True, False, False, True)
    assert told["msg"] == f"not checked on the host: {done['msg']}"
    return done["msg"]


def said(kind, resource):
    """What is said of a unit alone, as where others stand in for what an apply would need, too."""
    writer = writer_of(kind)()
    whole = writer.normalise(resource, {})
    writer.to_change = [writer.name_of(whole)]
    return writer.missing_prerequisites([whole], OWNER).get(writer.name_of(whole), "")


@pytest.fixture
def bare(monkeypatch, machine):
    """A host as Debian is installed: with its own card as its only link, and without libvirt, Podman and nft."""
    monkeypatch.setitem(sys.modules, "libvirt", None)
    for cached in (libvirt_host.library, libvirt_host.connection):
        cached.cache_clear()
    monkeypatch.setattr(system, "installed", lambda _program: False)
    monkeypatch.setattr(networkd, "read_links", lambda: {"eth0": link("eth0")})
    return machine


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("kind", BARE)
def test_what_a_bare_host_lacks_is_said_of_each_kind(kind):
    resource, reason = BARE[kind]
    assert lacking(kind, resource) == reason


def test_the_other_kinds_need_nothing_that_a_bare_host_lacks():
    kinds = [observer.kind.replace("-", "_") for observer in OBSERVERS]
    assert {kind for kind in kinds if "missing_prerequisites" in vars(writer_of(kind))} == BARE.keys()


def test_a_pool_needs_no_more_than_libvirt(monkeypatch, machine):
    libvirt_mock.connect(monkeypatch)
    assert said("pool", {"name": "vms", "path": "/srv/vms"}) == ""


def test_a_volume_needs_its_pool_with_its_file_system_and_its_image(monkeypatch, machine, tmp_path):
    connection = libvirt_mock.connect(monkeypatch)
    assert lacking("volume", VOLUME) == "there is no pool vms yet; `pools` makes it"
    connection.pools["vms"] = libvirt_mock.Pool(connection, "vms", str(tmp_path))
    assert said("volume", VOLUME) == ""
    monkeypatch.setattr(image, "FOLDER", tmp_path)
    copied = {**VOLUME, "image": "debian"}
    assert lacking("volume", copied) == "there is no image debian yet; `images` makes it"
    (tmp_path / "abc").write_text("an image")
    records.write(OWNER, "image", "debian", {"sha256": "abc"})
    assert said("volume", copied) == ""
    records.write(OWNER, "pool", "vms", {"inode": tmp_path.stat().st_ino + 1})
    assert said("volume", copied).startswith(f"{tmp_path} is not the folder that pool vms had: is its file system mounted?")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"interfaces": [{"bridge": "br7"}]}, "there is no bridge br7 yet; `bridges` makes it"),
        ({"disks": [{"volume": "vms/none"}]}, "there is no volume vms/none yet; `volumes` makes it"),
        ({"disks": [{**CD, "cdrom": "/srv/none.iso"}]}, "there is no file /srv/none.iso on this host"),
        ({"kernel": {"kernel": "/srv/vmlinuz"}}, "there is no file /srv/vmlinuz on this host"),
        (
            {"interfaces": [{**PLUG, "vlan": 20, "address": "10.10.20.9"}]},
            "VLAN 20 on br0 has no link on this host that hands out addresses; `vlans` makes it, with `dhcp`",
        ),
        ({"interfaces": [{**PLUG, "address": "auto"}]}, "apps has no DHCP server of ours; give it `dhcp`, or the interface an address"),
        ({"cloud_init": {}}, "cloud_init needs genisoimage on this host; `hypervisor: true` in `homelab_host` brings it"),
    ],
)
def test_a_domain_needs_what_it_names(monkeypatch, machine, tmp_path, change, reason):
    mock_host(monkeypatch, machine, tmp_path)
    connection = libvirt_mock.connect(monkeypatch)
    monkeypatch.setattr(connection, "lookupByUUIDString", connection.lookupByName, raising=False)
    monkeypatch.setattr(system, "installed", lambda program: program != "genisoimage")
    resource = whole(**{"disks": [CD, DISK], **change})
    assert (lacking if reason else said)("domain", resource) == reason


@pytest.mark.parametrize(
    ("change", "addresses", "bringer", "reason"),
    [
        (
            {"interfaces": [{**PLUG, "address": "10.20.0.30"}]},
            ["10.10.10.1/24"],
            "vlan",
            "10.20.0.30 is no guest's address in apps, which is 10.10.10.0/24",
        ),
        (
            {"interfaces": [{**PLUG, "address": "10.10.10.1"}]},
            ["10.10.10.1/24"],
            "vlan",
            "10.10.10.1 is this host's own address in apps",
        ),
        (
            {"interfaces": [{**PLUG, "address": "10.10.10.30"}]},
            [],
            "vlan",
            "apps has no address, so it hands out none; `vlans` gives it one",
        ),
        ({"firmware": "uefi"}, [], "host", "firmware uefi is not on this host; add package ovmf to `homelab_host.packages`"),
        ({"tpm": True}, [], "host", "a TPM needs swtpm on this host; add package swtpm-tools to `homelab_host.packages`"),
    ],
)
def test_what_a_change_of_the_same_run_may_bring_is_no_refusal(monkeypatch, machine, tmp_path, change, addresses, bringer, reason):  # noqa: PLR0917
    mock_host(monkeypatch, machine, tmp_path).links[0].addresses = addresses
    connection = libvirt_mock.connect(monkeypatch)
    monkeypatch.setattr(connection, "lookupByUUIDString", connection.lookupByName, raising=False)
    monkeypatch.setattr(libvirt_host, "memory", lambda: 4096)
    assert refused(writer_of("domain"), whole(**change)) == reason
    assert lacking("domain", whole(**change), [bringer]) == reason


@pytest.mark.parametrize("kind", ["podman_secret", "quadlet_unit"])
def test_podmans_units_need_their_user_with_its_systemd(monkeypatch, machine, kind):
    resource = BARE[kind][0]
    assert lacking(kind, resource) == NO_MANAGER
    assert said(kind, {**resource, "user": None}) == ""
    monkeypatch.setattr(quadlet_unit, "manager_runs", lambda _user: True)
    closed = "user web cannot enter /home/web, which should be its own"
    monkeypatch.setattr(quadlet_unit, "closed_to", lambda *_: closed)
    assert said(kind, resource) == closed
    monkeypatch.setattr(quadlet_unit, "closed_to", lambda *_: "")
    assert said(kind, resource) == ""


@pytest.mark.parametrize(("complaint", "reason"), [("", ""), ("Error: syntax error", ""), (NO_USER, f"nft rejects it:\n{NO_USER}")])
def test_a_table_needs_who_its_rules_name(monkeypatch, machine, tmp_path, complaint, reason):
    monkeypatch.setattr(nftables_table, "FOLDER", tmp_path)
    machine.programs["nft"] = lambda *_: '{"nftables": []}'
    tried = CompletedProcess([], bool(complaint), "", complaint)
    for module_with_it in (nftables_table, module("nftables_table")):
        monkeypatch.setattr(module_with_it, "load_in_empty_namespace", lambda _rules: tried)
    assert (lacking if reason else said)("nftables_table", TABLE) == reason


def test_a_vlan_needs_its_bridge_as_ours(monkeypatch, machine, tmp_path):
    monkeypatch.setattr(networkd, "FOLDER", tmp_path)
    monkeypatch.setattr(networkd, "read_links", lambda: {"br0": link("br0", "bridge")})
    assert lacking("vlan", VLAN) == BARE["vlan"][1]
    (tmp_path / "10-homelab-br0.network").touch()
    assert said("vlan", VLAN) == ""
