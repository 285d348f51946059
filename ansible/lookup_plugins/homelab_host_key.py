"""SSH host keys of guests to pin: the file, and the name by which OpenSSH will look for them."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

# RFC 8709: the algorithm's name and 32 bytes, in 68 characters of base64.
KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{68}")

DOCUMENTATION = """
name: homelab_host_key
short_description: Host keys that are to be pinned
description: >-
  Takes {host: key} and gives a list of {path, name, key}: for the hosts of group guests that are declared as domains of this very
  host, and of which no key is known. Path and name are those of `ssh -G` with the inventory's own ssh_config: the first of
  UserKnownHostsFile, and HostKeyAlias or HostName. The keys come from a managed host, which may be hostile.
options: {}
"""


class LookupModule(LookupBase):
    """Asks ssh(1), which alone knows what its configuration comes to."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        config = os.path.join(variables["inventory_dir"], "ssh_config")
        declared = {str(one.get("name")) for one in variables.get("domains") or []}
        guests = declared.intersection(variables["groups"].get("guests", []))
        keys = [(host, str(key)) for one in terms for host, key in one.items() if host in guests]
        return [pin for host, key in keys if is_key(host, key) for pin in pins(host, key, config)]


def is_key(host: str, key: str) -> bool:
    """Return whether a text is one public key as cloud-init's guests have it, and nothing that known_hosts would take for more."""
    if KEY.fullmatch(key):
        return True
    Display().warning(f"{host}: its machine's host gave something else than one ssh-ed25519 key for it; nothing is pinned")
    return False


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
