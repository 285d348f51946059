"""Finds secrets on the controller: in the inventory's vault, or in what a program handed over.

They are the values of Podman secrets, and user data of domains.

Nothing here is ever written, or part of an error. Results of a lookup are no templates to Ansible (2.19).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: homelab_secrets
short_description: Values of Podman secrets, and user data of domains
description:
  - Reads the vault of an inventory and computes the HMAC-SHA-256 of each secret's value under the vault's own key.
  - Returns one dictionary with `resources`, each with its digest, and `secret_values` by name, as base64 of JSON.
options:
  _terms:
    description: The units.
    required: true
  vault:
    description: The vault's file.
    type: str
    required: true
  kind:
    description: The kind of the resources.
    type: str
    choices: [podman-secret, domain]
    default: podman-secret
  request:
    description: The file of a program's request, whose `values` are those of units without `from`; empty for none.
    type: str
    default: ''
"""

MOST_BYTES = 512000
SHORTEST_KEY = 16
# How user data begins; providers/domain/schema.ts has the same.
USER_DATA = ("#", "Content-Type:")
CHANGED = "the vault changed since the preview; run again"

# The one of the Ansible that runs.
ANSIBLE_VAULT = os.path.join(os.path.dirname(sys.executable), "ansible-vault")


class LookupModule(LookupBase):
    """Return a dictionary for all resources; all errors are raised at once."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        request = self.get_option("request")
        try:
            if self.get_option("kind") == "domain":
                return [find_user_data(terms[0], lambda: self._read_vault(self.get_option("vault")))]
            given = read_request(request) if request else None
            return [find(terms[0], given, lambda: self._read_vault(self.get_option("vault")))]
        except ValueError as error:
            raise AnsibleError(str(error)) from None

    def _read_vault(self, file: str) -> tuple[str, dict[str, str]]:
        if not os.path.exists(file):
            raise ValueError(f"{file}: missing; make it with: {ANSIBLE_VAULT} create {file}")
        with open(file, "rb") as stream:
            if not stream.read(15).startswith(b"$ANSIBLE_VAULT;"):
                raise ValueError(f"{file}: it is not encrypted; do that with: {ANSIBLE_VAULT} encrypt {file}")
        try:
            text = str(self._loader.get_text_file_contents(file))
        except AnsibleError as error:
            raise ValueError(f"{file}: it cannot be decrypted: {error}") from None
        return vault_in(file, text)


def read_request(file: str) -> dict[str, str]:
    """The values that a program handed over, by the unit's name."""
    with open(file, encoding="utf-8") as stream:
        return dict(json.load(stream).get("values", {}))


def find(units: list[Any], given: dict[str, str] | None, read_vault: Any) -> dict[str, Any]:
    """The units, each with its digest, and their values. `given` is None for plain Ansible. Raises ValueError."""
    vault: tuple[str, dict[str, str]] | None = None
    found, values, faults = [], {}, []
    for unit in units:
        name = f"{unit.get('user') or 'system'}/{unit['name']}"
        if given is not None and "from" not in unit:
            value, digest = given.get(name), unit.get("digest")
            fault = "its value was not handed over; run pulumi up again"
        else:
            key, secrets = vault = vault or read_vault()
            source = str(unit.get("from", unit["name"]))
            value = secrets.get(source)
            digest = digest_of(key, value or "")
            fault = _missing(source)
        if value is None:
            faults.append(f"podman-secret {name}: {fault}")
        elif unit.get("digest", digest) != digest:
            faults.append(f"podman-secret {name}: {CHANGED}")
        else:
            found.append({**unit, "digest": digest})
            values[name] = value
    return _answer(found, values, faults)


def find_user_data(domains: list[Any], read_vault: Any) -> dict[str, Any]:
    """The domains, those whose user data is in the vault with its digest, and that user data by the domain's name. Raises ValueError."""
    found, values, faults = [], {}, []
    for domain in domains:
        seed = domain.get("cloud_init") or {}
        if "user_data_from" not in seed:
            found.append(domain)
            continue
        key, secrets = read_vault()
        value = secrets.get(str(seed["user_data_from"]))
        digest = digest_of(key, value or "")
        if value is None:
            faults.append(f"domain {domain['name']}: {_missing(seed['user_data_from'])}")
        elif not value.startswith(USER_DATA):
            faults.append(f"domain {domain['name']}: the vault's text is no user data: it begins with #cloud-config, #! or Content-Type:")
        elif seed.get("user_data_digest", digest) != digest:
            faults.append(f"domain {domain['name']}: {CHANGED}")
        else:
            found.append({**domain, "cloud_init": {**seed, "user_data_digest": digest}})
            values[domain["name"]] = value
    return _answer(found, values, faults)


def _answer(found: list[Any], values: dict[str, str], faults: list[str]) -> dict[str, Any]:
    if faults:
        raise ValueError("\n".join(faults))
    return {"resources": found, "secret_values": base64.b64encode(json.dumps(values).encode()).decode()}


def _missing(source: Any) -> str:
    return f'the vault has no secret "{source}"; add it with: {ANSIBLE_VAULT} edit <the inventory>/vault.yml'


def digest_of(key: str, value: str) -> str:
    """The HMAC-SHA-256 of a value, in hexadecimal; providers/podman-secret/digest.ts computes the same."""
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()


class Loader(yaml.SafeLoader):
    """YAML with Ansible's `!unsafe`, which marks a string as no template; here none ever is."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def vault_in(file: str, text: str) -> tuple[str, dict[str, str]]:
    """A vault's key and secrets. Raises ValueError with every fault; no message shows what the vault holds."""
    try:
        vault = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        # The error itself would show the line.
        raise ValueError(f"{file}{place}: this is no valid YAML; put texts in quotes") from None
    if not isinstance(vault, dict) or not isinstance(vault.get("secrets", {}), dict):
        raise ValueError(f"{file}: wanted are homelab_secret_key, and secrets as `name: value`")
    key, secrets = vault.get("homelab_secret_key"), {str(name): value for name, value in vault.get("secrets", {}).items()}
    faults = [f"{file}: {name}: unknown name" for name in vault if name not in ("homelab_secret_key", "secrets")]
    if not isinstance(key, str) or len(key) < SHORTEST_KEY:
        faults.append(f"{file}: homelab_secret_key: at least {SHORTEST_KEY} random characters in quotes; openssl rand -hex 32 makes some")
    faults += [f"{file}: secrets.{name}: {fault}" for name, value in secrets.items() if (fault := fault_of(value))]
    if faults:
        raise ValueError("\n".join(faults))
    return key, secrets


def fault_of(value: Any) -> str:
    """Why Podman could not take a value, podman-secret-create(1)."""
    if not isinstance(value, str):
        return "a value is a text: put it in quotes"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "a value is a text in UTF-8"
    return "" if 0 < size < MOST_BYTES else f"a value has 1 to {MOST_BYTES - 1} bytes, podman-secret-create(1)"
