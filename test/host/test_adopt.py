"""Domains that virt-install made are taken over without a change. Those in test/host/domain are what virt-install 5.0 of Debian 13
makes for common guests, as libvirt 11.3 shows them.
"""

from pathlib import Path

import pytest
from homelab import domain, domain_devices, domain_edit, domain_xml

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


@pytest.mark.parametrize("name", UNITS)
def test_what_virt_install_made_is_marked_and_nothing_else(name):
    root = domain_xml.parse((FOLDER / f"virt-install-{name}.xml").read_text())
    unit = domain.observer.normalise({"name": name, **UNITS[name]}, {})
    has = domain_xml.plugs_of(root)
    disks = [{"bus": domain_devices.bus_of(disk["target"]), **disk} for disk in unit["disks"]]
    unit = {**unit, "disks": disks, "interfaces": domain_devices.with_macs(unit["interfaces"], has, "id")}
    wanted = domain_edit.edited(root, unit, "lab")
    assert list(domain_xml.differences(root, wanted)) == ["metadata"]
    others = [one.tag for one in root.findall("metadata/*")]
    assert [one.tag for one in wanted.findall("metadata/*")] == [*others, domain_xml.OURS]
    assert "ns0:" not in domain_xml.render(wanted)
    assert not domain_xml.needs_replacement(root, unit)
