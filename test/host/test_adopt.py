"""Domains that virt-install made are taken over without a change. Those in test/host/domain are what virt-install 5.0 of Debian 13
makes for common guests, as libvirt 11.3 shows them.
"""

from pathlib import Path

import pytest

from ansible.module_utils.homelab.observe.domain import definition, devices, edit
from ansible.module_utils.homelab.observe.domain import observer as domain

FOLDER = Path(__file__).parent / "domain"
QCOW2 = {"device": "disk", "format": "qcow2"}
NET = {"bridge": "br0"}

UNITS = {
    "deb1": {"memory": 256, "disks": [{**QCOW2, "target": "vda", "file": "/srv/vms/deb1.qcow2"}], "interfaces": [NET], "graphics": "vnc"},
    "deb2": {
        "memory": 256,
        "vcpus": 2,
        "vcpus_max": 4,
        "firmware": "uefi-secure",
        "disks": [
            {**QCOW2, "target": "vda", "file": "/srv/vms/deb2.qcow2"},
            {"device": "cdrom", "target": "sda", "format": "raw", "file": "/srv/guest/initrd.img"},
        ],
        "interfaces": [{**NET, "mac": "52:54:00:aa:bb:cc"}],
    },
    "win": {
        "memory": 512,
        "vcpus": 2,
        "disks": [{**QCOW2, "target": "sda", "file": "/srv/vms/win.qcow2"}],
        "interfaces": [{**NET, "model": "e1000e"}],
        "graphics": "vnc",
    },
    "old": {
        "memory": 256,
        "vcpus": 2,
        "machine": "pc",
        "disks": [{**QCOW2, "target": "vda", "file": "/srv/vms/old.qcow2"}],
        "interfaces": [NET],
        "graphics": "vnc",
    },
    "plain": {
        "memory": 128,
        "machine": "pc",
        "cpu": "qemu64",
        "disks": [{"device": "disk", "format": "raw", "target": "hda", "file": "/srv/vms/plain.raw"}],
    },
}


@pytest.mark.parametrize("declares", [True, False])
@pytest.mark.parametrize("name", UNITS)
def test_what_virt_install_made_is_marked_and_a_declared_screen_is_root_s_alone(name, declares):
    root = definition.parse((FOLDER / f"virt-install-{name}.xml").read_text())
    has_screen = declares and "graphics" in UNITS[name]
    resource = domain.observer.normalise({"name": name, **UNITS[name]}, {})
    if not has_screen:
        resource.pop("graphics", None)
    has = definition.plugs_of(root)
    disks = [{"bus": devices.bus_of(disk["target"]), **disk} for disk in resource["disks"]]
    resource = {**resource, "disks": disks, "interfaces": devices.with_macs(resource["interfaces"], has, "id")}
    wanted = edit.edited(root, resource, "lab")
    assert sorted(definition.differences(root, wanted)) == [*(["graphics"] if has_screen else []), "metadata"]
    assert not has_screen or [one.attrib for one in wanted.findall("devices/graphics/listen")] == [{"type": "socket"}]
    others = [one.tag for one in root.findall("metadata/*")]
    assert [one.tag for one in wanted.findall("metadata/*")] == [*others, definition.OURS]
    assert "ns0:" not in definition.render(wanted)
    assert not definition.needs_replacement(root, resource)
