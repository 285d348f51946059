"""What is announced of a domain is what is done to it, by each class of property. libvirt and the guest are mocked."""

import pytest
from domain_mock import CD, DISK, PLUG, UUID, guest, mock_host, task_of, whole
from domain_mock import GUEST as UNIT
from hostile_disk import hostile_disk
from machine_mock import OWNER, agree_to_refuse, agree_to_remove, module, records, settled, writer_of

from ansible.module_utils.homelab.observe import cloud_init, libvirt_host, networkd
from ansible.module_utils.homelab.observe.domain import definition
from ansible.module_utils.homelab.observe.domain import observer as kind

FIELDS = [
    ({"description": "a guest"}, "live"),
    ({"memory": "160 MiB"}, "live"),
    ({"vcpus": 3}, "live"),
    ({"autostart": False}, "live"),
    ({"disks": [{**CD, "cdrom": "/srv/cd.iso"}, DISK]}, "live"),
    ({"disks": [CD, DISK, {"volume": "vms/data"}]}, "live"),
    ({"disks": [CD, {**DISK, "target": "vdb"}]}, "live"),
    ({"disks": [CD]}, "live"),
    ({"interfaces": [PLUG, {"bridge": "br1"}]}, "live"),
    ({"interfaces": []}, "live"),
    ({"interfaces": [{**PLUG, "vlan": 20}]}, "live"),
    ({"interfaces": [{**PLUG, "bridge": "br1"}]}, "live"),
    ({"interfaces": [{**PLUG, "isolated": True}]}, "live"),
    ({"interfaces": [{**PLUG, "mac": "52:54:00:00:00:0b"}]}, "live"),
    # How it is treated, which is nothing of the guest's.
    ({"ready": "agent", "ready_timeout": 60}, "live"),
    ({"shutdown_seconds": 60, "force_off": True}, "live"),
    ({"snapshot": True}, "live"),
    ({"interfaces": [{**PLUG, "model": "e1000e"}]}, "next-boot"),
    ({"vcpus": 1}, "next-boot"),
    ({"vcpus_max": 4}, "next-boot"),
    ({"memory_max": "256 MiB"}, "next-boot"),
    ({"cpu": "Nehalem"}, "next-boot"),
    ({"kernel": {"kernel": "/srv/vmlinuz"}}, "next-boot"),
    ({"kernel": {"kernel": "/srv/vmlinuz", "initrd": "/srv/initrd", "cmdline": "quiet"}}, "next-boot"),
    ({"disks": [CD, DISK, {**CD, "target": "sdb"}]}, "next-boot"),
    ({"disks": [CD, DISK, {"volume": "vms/data", "target": "sdb"}]}, "next-boot"),
    ({"disks": [CD, {**DISK, "volume": "vms/data"}]}, "next-boot"),
    ({"disks": [DISK]}, "next-boot"),
    ({"cloud_init": {}}, "next-boot"),
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


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    return mock_host(monkeypatch, machine, tmp_path)


def kind_of(root):
    """Machine type and firmware, by which an installed guest knows its computer."""
    system_of = root.find("os")
    return definition.attribute(system_of, "type", "machine"), definition.firmware_of(system_of)


def done_to(domain, before):
    """The class of what was done to a domain that was of this kind before."""
    if kind_of(domain.root) != before:
        return "replace"
    if "shutdown" in domain.calls:
        return "restart"
    behind = domain.isActive() and set(definition.differences(domain.live, domain.root)) - {"metadata"}
    return "next-boot" if behind else "live"


@pytest.mark.parametrize("restart", ["allowed", "denied"])
@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize(("change", "announced"), FIELDS)
def test_a_domain(monkeypatch, host, change, announced, runs, restart):  # noqa: PLR0917
    library = module("domain")
    leases_dropped = []
    monkeypatch.setattr(library, "forget", lambda _owner, _kind, names: leases_dropped.append((names, domain.isActive())))
    domain = guest(monkeypatch, host, whole(running=runs, restart=restart), runs)
    before = kind_of(domain.root)
    wanted = whole(**{"running": runs, "restart": restart, **change})
    expected = announced
    if not runs and announced != "replace":
        expected = "live"
    elif announced == "next-boot" and restart == "allowed":
        expected = "restart"
    writer, task = library.DomainWriter(), task_of(wanted, host)
    assert (writer.disruption(task), writer.affected(task, OWNER)) == (expected, [])
    if expected in ("restart", "replace") and restart == "denied" and "running" not in change:
        # It is refused, so nothing is done.
        monkeypatch.setattr(libvirt_host, "capabilities", lambda _: None)
        monkeypatch.setattr(library.checks, "reasons", lambda *_: [])
        assert "restart: allowed" in " ".join(library.rejections_of(kind.resolved(wanted, OWNER, host.links)))
        return
    assert writer.apply([task], OWNER) == {}
    assert done_to(domain, before) == expected
    seen = kind.observe(wanted, OWNER, host.links)
    assert (seen.differences, bool(seen.facts["next_boot"])) == ([], expected == "next-boot")
    # A machine that is recreated loses what its definition said beside the unit, so that is kept.
    assert [*(records.ROOT / OWNER / "replaced").glob("web-*.xml")] != [] or expected != "replace"
    assert domain.UUIDString() == UUID
    assert domain.isActive() == wanted["running"]
    assert not runs or expected in ("restart", "replace") or domain.calls.count("create") == 0
    # A lease of its former name would keep a guest from getting its address when it starts.
    if "renamed_from" in change:
        assert leases_dropped == [(["web"], False)]


@pytest.mark.parametrize("restart", ["allowed", "denied"])
@pytest.mark.parametrize(
    ("change", "runs", "announced"),
    [
        ({"cloud_init": {"user_data": "b"}}, True, "next-boot"),
        ({"cloud_init": {"user_data": "a", "network_config": "c"}}, True, "next-boot"),
        ({"cloud_init": {"user_data_digest": "d"}}, True, "next-boot"),
        # By it cloud-init asks for addresses. The interface itself comes at once.
        ({"interfaces": [PLUG, {"bridge": "br1"}]}, True, "next-boot"),
        ({"cloud_init": {"user_data": "b"}}, False, "live"),
    ],
)
def test_another_seed_is_there_for_the_next_boot_which_it_does_not_bring_about(monkeypatch, host, change, runs, announced, restart):  # noqa: PLR0917
    more = {"running": runs, "restart": restart, "cloud_init": {"user_data": "a"}}
    domain = guest(monkeypatch, host, whole(**more), runs)
    before = cloud_init.path_of("web").read_text()
    writer, task = writer_of("domain")(), task_of(whole(**{**more, **change}), host)
    assert writer.disruption(task) == announced
    assert writer.apply([task], OWNER) == {}
    assert cloud_init.path_of("web").read_text() != before
    assert (domain.isActive(), {"shutdown", "create"} & {*domain.calls}) == (runs, set())


@pytest.mark.parametrize("restart", ["allowed", "denied"])
@pytest.mark.parametrize(("runs", "announced"), [(True, "next-boot"), (False, "live")])
@pytest.mark.parametrize("change", [{"interfaces": [{**PLUG, "address": "10.10.10.30"}]}])
def test_another_address_is_leased_at_once_and_asked_for_when_the_guest_boots(monkeypatch, host, change, runs, announced, restart):  # noqa: PLR0917
    domain = guest(monkeypatch, host, whole(running=runs, restart=restart), runs)
    writer, resource = writer_of("domain")(), whole(**{"running": runs, "restart": restart, **change})
    # Once it is leased there is nothing to wait for.
    for said in (announced, "live"):
        task = task_of(resource, host)
        assert writer.disruption(task) == said
        assert writer.apply([task], OWNER) == {}
    assert [path.parent.name for path in networkd.FOLDER.glob("*/domain-web.conf")] == ["10-homelab-apps.network.d"]
    assert (domain.isActive(), domain.calls) == (runs, [])


@pytest.mark.parametrize(("restart", "announced"), [("allowed", "restart"), ("denied", "next-boot")])
def test_a_seed_that_is_no_longer_wanted_leaves_with_its_drive(monkeypatch, host, restart, announced):
    domain = guest(monkeypatch, host, whole(cloud_init={}), True)
    writer, task = writer_of("domain")(), task_of(whole(restart=restart), host)
    assert writer.disruption(task) == announced
    assert writer.apply([task], OWNER) == {}
    assert done_to(domain, kind_of(domain.root)) == announced
    assert not cloud_init.path_of("web").exists()


@pytest.mark.parametrize("runs", [True, False])
def test_a_removed_domain_is_shut_off_gently_and_its_volumes_stay(monkeypatch, host, tmp_path, runs):
    domain = guest(monkeypatch, host, whole(), runs)
    settled("domain", UNIT)
    agree_to_remove(writer_of("domain"), "web", "")
    assert domain.calls == [*(["shutdown"] if runs else []), "undefine"]
    assert (tmp_path / "web").read_text() == "a disk"


def test_a_domain_whose_memory_is_saved_stays_as_announced(monkeypatch, host):
    domain = guest(monkeypatch, host, whole(), runs=False)
    settled("domain", UNIT)
    monkeypatch.setattr(domain, "hasManagedSaveImage", lambda: True, raising=False)
    agree_to_refuse(writer_of("domain"), "web", "virsh managedsave-remove web")
    assert domain.calls == []


def test_a_new_machine_keeps_what_its_unit_does_not_speak_of_and_says_what_it_loses(monkeypatch, host):
    domain = guest(monkeypatch, host, whole(tpm=True, agent=True, graphics="vnc"), runs=False)
    domain.root.find("devices").append(definition.parse("<hostdev mode='subsystem' type='pci'/>"))
    wanted = whole(firmware="uefi", running=False, restart="allowed")
    seen = kind.observe(wanted, OWNER, host.links)
    assert "-<hostdev" in "".join(seen.differences)
    assert module("domain").DomainWriter().apply([task_of(wanted, host)], OWNER) == {}
    devices = domain.root.find("devices")
    assert [len(devices.findall(tag)) for tag in ("tpm", "graphics", "video", "channel", "hostdev")] == [1, 1, 1, 1, 0]
    assert domain.root.findtext("os/nvram").endswith(f"{UUID}_VARS.fd")


def test_a_domain_that_runs_on_a_snapshot_of_its_volume_is_not_removed(monkeypatch, host, tmp_path):
    domain = guest(monkeypatch, host, whole(), runs=False)
    settled("domain", UNIT)
    records.write(OWNER, "volume", "vms/web", {"format": "qcow2", "path": str(tmp_path / "web")})
    for disk in domain.root.findall("devices/disk[@device='disk']"):
        disk.find("source").set("file", str(hostile_disk(tmp_path / "web.snap", backing=str(tmp_path / "web"))))
    agree_to_refuse(writer_of("domain"), "web", "virsh blockcommit")
    assert domain.calls == []
