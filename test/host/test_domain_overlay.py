"""What a unit says in libvirt's own words."""

import pytest
from test_domain_xml import UNIT, parsed

from ansible.module_utils.homelab.observe.domain import definition, edit, overlay

XML = """<domain>
  <clock><timer name="hpet" present="yes"/></clock>
  <features><hyperv><relaxed state="on"/></hyperv></features>
  <memoryBacking><hugepages/></memoryBacking>
  <devices><watchdog model="i6300esb" action="poweroff"/><memballoon model="virtio"/></devices>
</domain>"""


def edited(root, xml):
    return edit.edited(root, {**UNIT, "interfaces": [], "xml": xml}, "lab")


def parts_of(has, wanted):
    return sorted(definition.differences(has, wanted))


def test_it_is_merged_where_it_says_once():
    root = parsed("running")
    once = edited(root, XML)
    assert parts_of(root, once) == ["clock", "features", "memoryBacking", "metadata", "watchdog"]
    assert parts_of(once, edited(once, XML)) == []
    timers = once.findall("clock/timer")
    assert [(one.get("name"), one.get("present")) for one in timers if one.get("name") == "hpet"] == [("hpet", "yes")]
    assert once.find("features/acpi") is not None


def watchdogs(root):
    return [(one.get("model"), one.get("action")) for one in root.findall("devices/watchdog")]


def test_what_libvirt_adds_to_a_device_makes_no_second_one():
    once = edited(parsed("running"), XML)
    once.findall("devices/watchdog")[-1].append(definition.parse("<alias name='watchdog1'/>"))
    assert parts_of(once, edited(once, XML)) == []


def test_what_is_no_longer_said_goes_and_nothing_else():
    root = parsed("running")
    once = edited(root, XML)
    assert watchdogs(once) == [("itco", "reset"), ("i6300esb", "poweroff")]
    assert watchdogs(edited(once, XML.replace("poweroff", "pause"))) == [("itco", "reset"), ("i6300esb", "pause")]
    # A device that was there before is what the text spoke of, and so goes with it.
    assert parts_of(root, edited(once, None)) == ["memballoon"]


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<domain>", "no element found"),
        ("<features/>", "begins with <features>"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><domain/>", "no comments"),
        ("<domain><memory>1</memory></domain>", "<memory>; set `memory_max` instead"),
        ("<domain><devices><disk/></devices></domain>", "<devices/disk>; set `disks` instead"),
        ("<domain><uuid>x</uuid></domain>", "<uuid>, which stays"),
        ("<domain><devices><emulator>/home/web/run</emulator></devices></domain>", "got '/home/web/run'"),
        ("<domain><devices><emulator>/usr/bin/qemu-system-x86_64 -x</emulator></devices></domain>", "<emulator>: expected"),
        ("<domain><devices><emulator>/usr/bin/../../tmp/qemu-system-x</emulator></devices></domain>", "<emulator>: expected"),
    ],
)
def test_what_cannot_be_merged_is_refused(xml, said):
    assert said in overlay.errors(xml)[0]


def test_an_overlay_that_can_be_merged_is_not_refused():
    assert overlay.errors(XML) == []
    assert overlay.errors("<domain><devices><emulator>/usr/bin/qemu-system-aarch64</emulator></devices></domain>") == []


def boots(root):
    return [one.get("dev") for one in root.findall("os/boot")]


def test_a_tag_that_is_said_twice_is_a_list():
    order = "<domain><os><boot dev='hd'/><boot dev='cdrom'/></os></domain>"
    once = edited(parsed("running"), order)
    assert boots(once) == ["hd", "cdrom"]
    assert parts_of(once, edited(once, order)) == []
    assert boots(edited(once, "<domain><os><boot dev='cdrom'/></os></domain>")) == ["cdrom"]
    assert boots(edited(once, None)) == []


def test_of_a_device_that_there_is_once_none_is_added():
    balloons = edited(parsed("running"), "<domain><devices><memballoon><stats period='5'/></memballoon></devices></domain>")
    assert [one.find("stats").get("period") for one in balloons.findall("devices/memballoon")] == ["5"]
    none = edited(parsed("running"), "<domain><devices><memballoon model='none'/></devices></domain>")
    assert [(one.get("model"), len(one)) for one in none.findall("devices/memballoon")] == [("none", 0)]


def test_a_card_that_it_says_is_the_only_one():
    root = edit.skeleton("kvm", "a", UNIT)
    root = edited(root, "<domain><devices><video><model type='qxl'/></video></devices></domain>")
    assert [one.find("model").get("type") for one in root.findall("devices/video")] == ["qxl"]
