"""Definitions are edited in place. Those in test/host/domain are as libvirt 11.3 of Debian 13 shows them."""

from pathlib import Path

import pytest
from homelab import domain_xml
from homelab.domain_live import steps

FOLDER = Path(__file__).parent / "domain"
DISK = {"target": "vda", "device": "disk", "bus": "virtio", "format": "raw", "file": "/var/lib/libvirt/images/web.raw"}
DRIVE = {"target": "sda", "device": "cdrom", "bus": "sata", "format": "raw", "file": ""}
LINK = {"mac": "52:54:00:00:00:0a", "bridge": "br0", "vlan": 10, "model": "virtio", "isolated": True}
UNIT = {
    "name": "web",
    "description": "The lab's page",
    "memory": 128,
    "memory_max": 192,
    "vcpus": 1,
    "vcpus_max": 2,
    "machine": "q35",
    "firmware": "uefi",
    "kernel": {"kernel": "/srv/guest/vmlinuz", "initrd": "/srv/guest/initrd.img", "cmdline": "console=ttyS0"},
    "disks": [DISK, DRIVE],
    "interfaces": [],
    "agent": True,
    "graphics": "vnc",
}


def definition(name):
    return domain_xml.parse((FOLDER / f"{name}.xml").read_text())


def changed_by(name, /, **change):
    """The parts that an edit changes of a definition that holds the unit otherwise."""
    interfaces = [LINK] if name == "shut-off" else []
    root = definition(name)
    return domain_xml.differences(root, domain_xml.edited(root, {**UNIT, "interfaces": interfaces, **change}, "lab"))


@pytest.mark.parametrize("name", ["shut-off", "running"])
def test_a_definition_that_holds_the_unit_is_left_as_it_is(name):
    assert changed_by(name) == {}
    assert domain_xml.owner_of(definition(name)) == "lab"


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"name": "other"}, ["name"]),
        ({"description": None}, ["description"]),
        ({"memory": 160}, ["currentMemory"]),
        ({"memory_max": 256}, ["memory"]),
        ({"vcpus": 2}, ["vcpu"]),
        ({"cpu": "host-model"}, ["cpu"]),
        ({"cpu": "Nehalem"}, ["cpu"]),
        ({"machine": "pc"}, ["os"]),
        ({"machine": "pc-q35-10.0"}, []),
        ({"firmware": "bios"}, ["os"]),
        ({"firmware": "uefi-secure"}, ["os"]),
        ({"kernel": {}}, ["os"]),
        ({"disks": [DISK]}, ["disk sda"]),
        ({"disks": [DISK, {**DRIVE, "file": "/srv/seed.iso"}]}, ["disk sda"]),
        ({"disks": [DISK, DRIVE, {**DISK, "target": "vdb"}]}, ["disk vdb"]),
        ({"interfaces": []}, ["interface 52:54:00:00:00:0a"]),
        ({"interfaces": [{**LINK, "vlan": 20}]}, ["interface 52:54:00:00:00:0a"]),
        ({"interfaces": [{**LINK, "isolated": False}]}, ["interface 52:54:00:00:00:0a"]),
        ({"agent": False}, ["channel"]),
        ({"agent": None}, []),
        ({"graphics": "none"}, ["graphics"]),
        ({"graphics": None}, []),
        ({"tpm": True}, ["tpm"]),
    ],
)
def test_a_change_of_a_unit_changes_just_its_part(change, parts):
    assert list(changed_by("shut-off", **change)) == parts


def test_what_a_unit_does_not_say_stays():
    root = definition("shut-off")
    after = domain_xml.edited(root, {**UNIT, "interfaces": [{**LINK, "vlan": 20}], "disks": [{**DISK, "file": "/srv/b.raw"}]}, "lab")
    for path in ("uuid", "os/nvram", "os/type", "devices/interface/address", "devices/disk/address", "devices/memballoon/address"):
        assert domain_xml.render(after.find(path)) == domain_xml.render(root.find(path))


def test_a_new_definition_has_what_its_unit_says_and_room_for_more():
    unit = {**UNIT, "interfaces": [LINK]}
    root = domain_xml.edited(domain_xml.skeleton("qemu", "0076fe81-f073-5c47-86dc-ba7f806fd54f", unit), unit, "lab")
    assert domain_xml.differences(root, domain_xml.edited(root, unit, "lab")) == {}
    ports = root.findall("devices/controller[@model='pcie-root-port']")
    assert len(ports) >= domain_xml.SPARE_PORTS + len(unit["interfaces"])


def test_passwords_are_for_libvirt_alone():
    root = definition("shut-off")
    root.find("devices/graphics").set("passwd", "hush")
    assert "hush" in domain_xml.render(root)
    assert "hush" not in domain_xml.shown(root)
    assert not any("hush" in text for text in domain_xml.parts(root).values())


def test_a_text_stays_a_text():
    text = """</description><devices/> & "'$HOME {{ x }} äß€"""
    root = domain_xml.edited(definition("shut-off"), {**UNIT, "interfaces": [LINK], "description": text}, "lab")
    assert domain_xml.parse(domain_xml.render(root)).findtext("description") == text


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({}, []),
        ({"memory": 160}, [("currentMemory", "setMemoryFlags")]),
        ({"vcpus": 2}, [("vcpu", "setVcpusFlags")]),
        ({"description": "other"}, [("description", "setMetadata")]),
        ({"disks": [DISK, DRIVE, {**DISK, "target": "vdb"}]}, [("disk vdb", "attachDeviceFlags")]),
        ({"disks": [DRIVE]}, [("disk vda", "detachDeviceFlags")]),
        ({"disks": [{**DISK, "file": "/srv/b.raw"}, DRIVE]}, [("disk vda", "detachDeviceFlags"), ("disk vda", "attachDeviceFlags")]),
        ({"disks": [DISK, {**DRIVE, "file": "/srv/seed.iso"}]}, [("disk sda", "updateDeviceFlags")]),
        ({"interfaces": [LINK]}, [("interface 52:54:00:00:00:0a", "attachDeviceFlags")]),
        # These wait for the next boot.
        ({"disks": [DISK]}, []),
        ({"memory_max": 256, "memory": 256}, []),
        ({"vcpus_max": 4, "vcpus": 4}, []),
        ({"cpu": "Nehalem", "firmware": "bios", "kernel": {}, "agent": False, "graphics": "none", "tpm": True}, []),
    ],
)
def test_what_a_running_domain_takes_at_once(change, calls):
    root = definition("running")
    wanted = domain_xml.edited(root, {**UNIT, **change}, "lab")
    assert [(step.part, step.call) for step in steps(root, wanted, balloon=True)] == calls


def test_without_the_balloon_memory_waits_and_processors_are_never_taken_away():
    root = definition("running")
    assert steps(root, domain_xml.edited(root, {**UNIT, "memory": 160}, "lab"), balloon=False) == []
    more = domain_xml.edited(root, {**UNIT, "vcpus": 2}, "lab")
    assert steps(more, root, balloon=True) == []


def test_a_device_goes_where_the_running_domain_has_a_bus_for_it():
    root = definition("running")
    wanted = domain_xml.edited(root, {**UNIT, "interfaces": [LINK]}, "lab")
    place = {"type": "pci", "domain": "0x0000", "slot": "0x00", "function": "0x0"}
    for bus, kept in (("0x09", True), ("0x1f", False)):
        link = wanted.find("devices/interface")
        for old in link.findall("address"):
            link.remove(old)
        domain_xml.ET.SubElement(link, "address", {**place, "bus": bus})
        [step] = steps(root, wanted, balloon=True)
        assert (f'bus="{bus}"' in step.argument) is kept
