"""SSH host keys of guests to pin: the file, and the name by which OpenSSH will look for them."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

DOCUMENTATION = """
name: homelab_host_key
short_description: Host keys that are to be pinned
description: >-
  Takes {host: key} and gives a list of {path, name, key}: for the hosts of group guests of which no key is known. Path and name
  are those of `ssh -G` with the inventory's own ssh_config: the first of UserKnownHostsFile, and HostKeyAlias or HostName.
options: {}
"""


class LookupModule(LookupBase):
    """Asks ssh(1), which alone knows what its configuration comes to."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        config = os.path.join(variables["inventory_dir"], "ssh_config")
        guests = variables["groups"].get("guests", [])
        return [pin for keys in terms for host, key in keys.items() if host in guests for pin in pins(host, str(key), config)]


def pins(host: str, key: str, config: str) -> list[dict[str, str]]:
    """Return the key of a host to pin, unless one is known."""
    place = place_of(host, config)
    known = known_keys(**place)
    if known and key not in known:
        Display().warning(f"{host}: {place['path']} has another key for {place['name']} than the one that this guest was given; it stays")
    return [] if known else [{**place, "key": key}]


def known_keys(path: str, name: str) -> list[str]:
    """The keys that are known for a name, without it (ssh-keygen(1), -F)."""
    done = subprocess.run(["ssh-keygen", "-F", name, "-f", path], capture_output=True, text=True, check=False)
    return [" ".join(line.split()[1:3]) for line in done.stdout.splitlines() if line and not line.startswith("#")]


def place_of(host: str, config: str) -> dict[str, str]:
    """Where a host's key is looked for. Raises AnsibleLookupError."""
    done = subprocess.run(["ssh", "-F", config, "-G", "--", host], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AnsibleLookupError(f"ssh -F {config} -G {host}: {done.stderr.strip()}")
    said = settings(done.stdout)
    port = said.get("port", "22")
    name = said.get("hostkeyalias") or (said["hostname"] if port == "22" else f"[{said['hostname']}]:{port}")
    return {"path": os.path.expanduser(said["userknownhostsfile"].split(" ")[0]), "name": name}


def settings(text: str) -> dict[str, str]:
    """Return what `ssh -G` prints, one setting per line."""
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
