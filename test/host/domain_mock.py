"""A host with one domain, `web`, as its unit was applied. libvirt, the guest and what makes a seed are mocked."""

from pathlib import Path

import libvirt_mock
from hostile_disk import qemu_img
from machine_mock import OWNER, records
from networkd_mock import link

from ansible.module_utils.homelab.apply import cloud_init as seed
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.observe import cloud_init, dhcp_leases, networkd, volume
from ansible.module_utils.homelab.observe.domain import definition, edit, started
from ansible.module_utils.homelab.observe.domain import observer as kind

UUID = "0076fe81-f073-5c47-86dc-ba7f806fd54f"
CD = {"cdrom": "", "target": "sda"}
DISK = {"volume": "vms/web", "target": "vda"}
PLUG = {"bridge": "br0", "vlan": 10, "mac": "52:54:00:00:00:0a"}
GUEST = {"name": "web", "memory": "128 MiB", "memory_max": "192 MiB", "vcpus": 2, "vcpus_max": 3, "disks": [CD, DISK], "interfaces": [PLUG]}


def mock_host(monkeypatch, machine, tmp_path):
    """A host with VLANs and volumes, and what makes a seed: genisoimage(1), ssh-keygen(1). A guest answers at once."""
    links = [link("apps", "vlan", parent="br0", data={"id": 10}, addresses=["10.10.10.1/24"]), link("br0"), link("br1")]
    monkeypatch.setattr(networkd, "read_links", lambda: {one.name: one for one in links})
    for one, name in ((networkd, "network"), (dhcp_leases, "network"), (cloud_init, "seeds"), (started, "started")):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setattr(one, "FOLDER", tmp_path / name)
    monkeypatch.setattr(edit, "NVRAMS", tmp_path / "nvram")
    monkeypatch.setattr(volume, "path_of", lambda resource: str(tmp_path / resource["name"]))
    monkeypatch.setattr("ansible.module_utils.homelab.apply.domain.power.answers", lambda *_: True)
    for name in ("web", "data"):
        (tmp_path / name).write_text("a disk")
        records.write(OWNER, "volume", f"vms/{name}", {"format": "qcow2"})
    machine.programs |= {"genisoimage": genisoimage, "ssh-keygen": ssh_keygen, "qemu-img": qemu_img}
    machine.links = links
    return machine


def genisoimage(argv, _stdin):
    files = argv.index("-output") + 1
    Path(argv[files]).write_text("".join(Path(one).read_text() for one in argv[files + 1 :]))


def ssh_keygen(argv, _stdin):
    if "-y" not in argv:
        Path(argv[-1]).write_text("private")
    return "ssh-ed25519 AAAA"


def whole(**more):
    return kind.observer.normalise({**GUEST, **more}, {})


def guest(monkeypatch, host, resource, runs):
    """The domain as its unit was applied."""
    root = edit.skeleton("kvm", UUID, resource)
    definition.ET.SubElement(root, "name").text = resource["name"]
    domain = libvirt_mock.Domain(root, runs=False)
    libvirt_mock.connect(monkeypatch, domain)
    resolved = kind.resolved(resource, OWNER, host.links)
    domain.root = edit.edited(root, resolved, OWNER)
    seed.make(resolved, OWNER, UUID)
    if runs:
        domain.create()
    domain.calls.clear()
    return domain


def task_of(resource, host):
    """The change that a unit is, by what the host holds."""
    return Change(resource, kind.observe(resource, OWNER, host.links), {})
