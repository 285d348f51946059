"""Definitions are edited in place. Those in test/host/domain are as libvirt 11.3 of Debian 13 shows them."""

from pathlib import Path

import pytest

from ansible.module_utils.homelab.observe.domain import definition, devices, edit, rules
from ansible.module_utils.homelab.observe.domain import observer as domain
from ansible.module_utils.homelab.observe.domain.live import steps

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


def parsed(name):
    return definition.parse((FOLDER / f"{name}.xml").read_text())


def changed_by(name, /, **change):
    """The parts that an edit changes of a definition that holds the unit otherwise."""
    interfaces = [LINK] if name == "shut-off" else []
    root = parsed(name)
    return definition.differences(root, edit.edited(root, {**UNIT, "interfaces": interfaces, **change}, "lab"))


@pytest.mark.parametrize("name", ["shut-off", "running"])
def test_a_definition_that_holds_the_unit_is_left_as_it_is(name):
    assert changed_by(name) == {}
    assert definition.owner_of(parsed(name)) == "lab"


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
    root = parsed("shut-off")
    after = edit.edited(root, {**UNIT, "interfaces": [{**LINK, "vlan": 20}], "disks": [{**DISK, "file": "/srv/b.raw"}]}, "lab")
    for path in ("uuid", "os/nvram", "os/type", "devices/interface/address", "devices/disk/address", "devices/memballoon/address"):
        assert definition.render(after.find(path)) == definition.render(root.find(path))


def test_a_new_definition_has_what_its_unit_says_and_room_for_more():
    resource = {**UNIT, "interfaces": [LINK]}
    root = edit.edited(edit.skeleton("qemu", "0076fe81-f073-5c47-86dc-ba7f806fd54f", resource), resource, "lab")
    assert definition.differences(root, edit.edited(root, resource, "lab")) == {}
    ports = root.findall("devices/controller[@model='pcie-root-port']")
    assert len(ports) >= edit.SPARE_PORTS + len(resource["interfaces"])


def test_passwords_are_for_libvirt_alone():
    root = parsed("shut-off")
    root.find("devices/graphics").set("passwd", "hush")
    assert "hush" in definition.render(root)
    assert "hush" not in definition.shown(root)
    assert not any("hush" in text for text in definition.parts(root).values())


def test_a_text_stays_a_text():
    text = """</description><devices/> & "'$HOME {{ x }} äß€"""
    root = edit.edited(parsed("shut-off"), {**UNIT, "interfaces": [LINK], "description": text}, "lab")
    assert definition.parse(definition.render(root)).findtext("description") == text


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({}, []),
        ({"memory": 160}, [("currentMemory", "setMemoryFlags")]),
        ({"vcpus": 2}, [("vcpu", "setVcpusFlags")]),
        ({"description": "other"}, [("description", "setMetadata")]),
        ({"disks": [DISK, DRIVE, {**DISK, "target": "vdb"}]}, [("disk vdb", "attachDeviceFlags")]),
        ({"disks": [DRIVE]}, [("disk vda", "detachDeviceFlags")]),
        ({"disks": [DISK, {**DRIVE, "file": "/srv/seed.iso"}]}, [("disk sda", "updateDeviceFlags")]),
        ({"interfaces": [LINK]}, [("interface 52:54:00:00:00:0a", "attachDeviceFlags")]),
        # These wait for the next boot.
        ({"disks": [{**DISK, "file": "/srv/b.raw"}, DRIVE]}, []),
        ({"disks": [DISK, DRIVE, {**DISK, "target": "sdb", "bus": "sata"}]}, []),
        ({"disks": [DISK]}, []),
        ({"memory_max": 256, "memory": 256}, []),
        ({"vcpus_max": 4, "vcpus": 4}, []),
        ({"cpu": "Nehalem", "firmware": "bios", "kernel": {}, "agent": False, "graphics": "none", "tpm": True}, []),
    ],
)
def test_what_a_running_domain_takes_at_once(change, calls):
    root = parsed("running")
    wanted = edit.edited(root, {**UNIT, **change}, "lab")
    assert [(step.part, step.call) for step in steps(root, wanted, balloon=True)] == calls


def test_without_the_balloon_memory_waits_and_processors_are_never_taken_away():
    root = parsed("running")
    assert steps(root, edit.edited(root, {**UNIT, "memory": 160}, "lab"), balloon=False) == []
    more = edit.edited(root, {**UNIT, "vcpus": 2}, "lab")
    assert steps(more, root, balloon=True) == []


def test_a_device_goes_where_the_running_domain_has_a_bus_for_it():
    root = parsed("running")
    wanted = edit.edited(root, {**UNIT, "interfaces": [LINK]}, "lab")
    place = {"type": "pci", "domain": "0x0000", "slot": "0x00", "function": "0x0"}
    for bus, kept in (("0x09", True), ("0x1f", False)):
        link = wanted.find("devices/interface")
        for old in link.findall("address"):
            link.remove(old)
        definition.ET.SubElement(link, "address", {**place, "bus": bus})
        [step] = steps(root, wanted, balloon=True)
        assert (f'bus="{bus}"' in step.argument) is kept


A, B = ({"bridge": "br0", "vlan": vlan} for vlan in (10, 20))


def macs(interfaces, has):
    return [one["mac"] for one in devices.with_macs(interfaces, has, "id")]


def test_interfaces_keep_the_mac_addresses_that_a_domain_has():
    first, second = devices.mac_for("id", 0), devices.mac_for("id", 1)
    assert macs([A, {**A, "mac": "a"}, A], {}) == [first, "a", second]
    assert macs([A, {**A, "mac": "a"}, A], {"b": ("br0", 10), "a": ("br0", 10)}) == ["b", "a", first]
    assert macs([A, A], {"b": ("br0", 10), "c": ("br0", 10)}) == ["b", "c"]


def test_an_interface_is_known_by_where_it_is_plugged_in():
    has = {"a": ("br0", 10), "b": ("br0", 20)}
    assert macs([B], has) == ["b"]
    assert macs([B, A], has) == ["b", "a"]
    assert macs([B, {**A, "vlan": 30}], has) == ["b", "a"]
    assert macs([{**A, "vlan": 30}], has) == ["a"]
    assert macs([A, {**A, "vlan": 30}, B], has) == ["a", devices.mac_for("id", 0), "b"]


def disk(file, device="disk", **more):
    return {"file": file, "device": device, **more}


def targets(*disks, taken=(), has=None):
    return [one["target"] for one in devices.with_targets(disks, taken, has or {})]


def test_disks_get_the_names_that_are_free():
    assert targets(disk("a"), disk("", "cdrom"), disk("b")) == ["vda", "sda", "vdb"]
    assert targets(disk("a", target="vdb"), disk("b"), disk("c")) == ["vdb", "vda", "vdc"]
    assert targets(disk("a", target="sda"), disk("", "cdrom")) == ["sda", "sdb"]
    assert targets(*[disk("", "cdrom")] * 6, taken=["sdf"])[-1] == "sdg"
    with pytest.raises(devices.Missing, match="at most 26 disks"):
        targets(*[disk(str(number)) for number in range(27)])


def test_a_disk_keeps_the_name_under_which_the_domain_has_its_file():
    has = {"vda": "root", "vdb": "a", "vdc": "b", "sda": ""}
    assert targets(disk("root"), disk("b"), has=has) == ["vda", "vdc"]
    assert targets(disk("root"), disk("new"), disk("a"), disk("b"), has=has) == ["vda", "vdd", "vdb", "vdc"]
    assert targets(disk("root"), disk("other"), has=has) == ["vda", "vdb"]
    assert targets(disk("iso", "cdrom"), has=has) == ["sda"]
    assert targets(disk("b", target="vda"), disk("root"), has=has) == ["vda", "vdb"]


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"memory": "2 GiB", "memory_max": "1 GiB"}, "memory 2 GiB is more than memory_max"),
        ({"memory": "1 GiB", "vcpus": 2, "vcpus_max": 1}, "vcpus 2 is more than vcpus_max"),
        ({"memory": "1 GiB", "disks": [{"cdrom": "", "target": "sdf"}], "cloud_init": {}}, "target sdf is not one disk's alone"),
    ],
)
def test_numbers_and_names_that_contradict_are_told(resource, said):
    assert domain.observer.errors(domain.observer.normalise({"name": "a", **resource}, {})) == [said]


def test_what_is_two_guests_is_told_of_both():
    def guest(name, mac, **more):
        disk = {"device": "disk", "file": "/srv/a"}
        return {"name": name, "disks": [disk], "interfaces": [{"mac": mac, "address": "10.0.0.2"}], **more}

    found = rules.across([guest("a", "m1"), guest("b", "m2", renamed_from="a")])
    assert found["a"] == ["/srv/a is not one guest's alone", "10.0.0.2 is not one guest's alone"]
    assert found["b"] == [*found["a"], "a is declared, too; take renamed_from out once the rename is done"]


def test_a_name_that_is_given_up_is_not_undeclared():
    assert domain.observer.names_of({"name": "b", "renamed_from": "a"}) == {"a", "b"}


def test_another_processor_keeps_its_topology():
    root = parsed("shut-off")
    root.find("cpu").extend([definition.parse("<topology sockets='1' cores='2'/>"), definition.parse("<feature name='vmx'/>")])
    wanted = edit.edited(root, {**UNIT, "cpu": "Nehalem"}, "lab").find("cpu")
    assert (wanted.get("mode"), [one.tag for one in wanted]) == ("custom", ["topology", "model"])


def test_a_copy_of_a_domain_of_ours_is_nobodys():
    root = edit.edited(definition.parse("<domain><uuid>a</uuid></domain>"), UNIT, "lab")
    assert definition.owner_of(root) == "lab"
    root.find("uuid").text = "b"
    assert definition.owner_of(root) is None
    assert definition.owner_of(edit.edited(root, UNIT, "lab")) == "lab"


def test_each_firmware_has_a_memory_of_its_own():
    bios = edit.edited(parsed("shut-off"), {**UNIT, "firmware": "bios"}, "lab")
    memories = [edit.edited(bios, {**UNIT, "firmware": one}, "lab").findtext("os/nvram") for one in ("bios", "uefi", "uefi-secure")]
    assert len({*memories}) == 3
    assert memories[0] is None
