"""The seed that a domain with `cloud_init` boots with: cloud-init's NoCloud data source as an ISO image.

https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html. The guest's SSH host key is made on the host
and is part of the seed's vendor data, so that its public part is known before the guest answers. A record beside the key lists
of which texts the image was made.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ..core import records, system
from ..core.observer import Resource

# libvirt's own folder for what guests boot from.
FOLDER = Path("/var/lib/libvirt/boot")
NO_USER_DATA = "#cloud-config\n{}\n"
TARGET = "sdf"


def path_of(name: str) -> Path:
    """Where a domain's seed lies."""
    return FOLDER / f"homelab-{name}.iso"


def key_of(name: str, owner: str) -> Path:
    """A domain's private SSH host key; the public part lies beside it. Both stay when the domain goes: its disk does, too."""
    return records.ROOT / owner / "host-keys" / name


def drive_of(name: str) -> Resource:
    """The seed as a disk of domain_xml's."""
    return {"target": TARGET, "device": "cdrom", "bus": "sata", "file": str(path_of(name)), "format": "raw"}


def files_of(resource: Resource, uuid: str, private: str, public: str, user_data: str | None = None) -> dict[str, str]:
    """The files of a seed; `user_data` is that of the vault, if it is there.

    JSON is YAML; a domain of this UUID is one instance, so that a second boot does nothing again.
    """
    given = resource["cloud_init"]
    keys = {"ssh_deletekeys": True, "ssh_genkeytypes": [], "ssh_keys": {"ed25519_private": private, "ed25519_public": public}}
    return {
        "meta-data": json.dumps({"instance-id": uuid, "local-hostname": resource["name"]}) + "\n",
        "user-data": user_data or given.get("user_data", NO_USER_DATA),
        "vendor-data": f"#cloud-config\n{json.dumps(keys)}\n",
        "network-config": given.get("network_config") or json.dumps(network_of(resource["interfaces"])) + "\n",
    }


def network_of(interfaces: list[Resource]) -> dict[str, Any]:
    """DHCP on each interface, asked for by the MAC address that the lease is for (network-config, version 2)."""
    links = {
        f"link{number}": {"match": {"macaddress": one["mac"]}, "dhcp4": True, "dhcp-identifier": "mac"}
        for number, one in enumerate(interfaces)
    }
    return {"version": 2, "ethernets": links}


def differences(resource: Resource, owner: str, uuid: str) -> list[str]:
    """Return how a seed differs from its configuration; nothing where there is none."""
    path = path_of(resource["name"])
    if "cloud_init" not in resource:
        return [f"{path} is there, but not wanted"] if path.exists() else []
    private, public = (system.read_text(file) for file in (key_of(resource["name"], owner), public_of(resource["name"], owner)))
    if not path.exists() or private is None or public is None:
        return [f"{path} is missing, or its key is"]
    known = records.parsed(system.read_text(made_of(resource["name"], owner))) or {}
    differences = [] if known.get("image") == hashlib.sha256(path.read_bytes()).hexdigest() else [f"{path} was altered"]
    texts = digests(resource, files_of(resource, uuid, private, public))
    return differences + [
        f"{path}: {name} is not the one that it was made of" for name in texts if known.get("files", {}).get(name) != texts[name]
    ]


def digests(resource: Resource, files: dict[str, str]) -> dict[str, str]:
    """The hash of each file of a seed, which has a private key in it. User data of the vault is known by its HMAC alone."""
    known = resource["cloud_init"].get("user_data_digest")
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()} | ({"user-data": known} if known else {})


def public_of(name: str, owner: str) -> Path:
    """The public part of a domain's SSH host key."""
    return key_of(name, owner).with_name(f"{name}.pub")


def made_of(name: str, owner: str) -> Path:
    """The record of what a seed was made of."""
    return key_of(name, owner).with_name(f"{name}.seed.json")


def host_key(name: str, owner: str) -> str | None:
    """A domain's public SSH host key as known_hosts has it, without a name."""
    text = system.read_text(public_of(name, owner))
    return " ".join(text.split()[:2]) if text else None
