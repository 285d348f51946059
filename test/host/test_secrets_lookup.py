"""What the lookup homelab_secrets makes of a vault, and that no error of it shows what the vault holds."""

import base64
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import yaml

VAULTS = yaml.safe_load((Path(__file__).parents[1] / "inventory" / "vaults.yml").read_text(encoding="utf-8"))
FILE = Path(__file__).resolve().parents[2] / "ansible/lookup_plugins/homelab_secrets.py"
spec = importlib.util.spec_from_file_location("homelab_secrets", FILE)
lookup = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lookup)

KEY = "sixteen characters"
# By openssl: printf %s value | openssl dgst -sha256 -hmac "sixteen characters"
DIGEST = "3d818364df0b370c558c1ee438741216b568a0f77731d138c505b6b2f0337118"
VAULT_PROGRAM = Path(sys.executable).with_name("ansible-vault")
VAULT = f"homelab_secret_key: {KEY}\nsecrets: {{ db: value, odd: '{{{{ 1 + 1 }}}}' }}\n"


def found(resources, given=None, text=VAULT):
    answer = lookup.find(resources, given, lambda: lookup.vault_in("vault.yml", text))
    return answer["resources"], json.loads(base64.b64decode(answer["secret_values"]))


def fault(*args, **more):
    with pytest.raises(ValueError) as error:
        found(*args, **more)
    return str(error.value)


def test_a_secret_is_found_by_its_name_or_by_another_in_the_vault():
    resources, values = found([{"user": "web", "name": "db"}, {"name": "x", "from": "odd"}])
    assert resources[0] == {"user": "web", "name": "db", "digest": DIGEST}
    assert values == {"web/db": "value", "system/x": "{{ 1 + 1 }}"}


def test_a_preview_and_the_vault_must_say_the_same():
    assert found([{"name": "db", "from": "db", "digest": DIGEST}], {})[1] == {"system/db": "value"}
    assert "the vault changed since the preview; run again" in fault([{"name": "db", "from": "db", "digest": "0" * 64}], {})


def test_a_programs_own_value_needs_no_vault():
    given = {"web/db": "its own"}
    resources, values = lookup.find([{"user": "web", "name": "db", "digest": "d"}], given, None)["resources"], given
    assert (resources[0]["digest"], values) == ("d", given)
    assert "was not handed over" in fault([{"name": "db", "digest": "d"}], {})


def test_without_secrets_no_vault_is_read():
    nothing = base64.b64encode(b"{}").decode()
    assert lookup.find([], None, None) == {"resources": [], "secret_values": nothing}
    plain = [{"name": "db"}, {"name": "web", "cloud_init": {"user_data": "#!/bin/sh"}}]
    assert lookup.find_user_data(plain, None) == {"resources": plain, "secret_values": nothing}


SEED = "#cloud-config\npassword: hunter2\n"


def user_data(*seeds):
    """What is found of domains a, b … with these seeds, in a vault with one that is user data and one that is not."""
    domains = [{"name": name, "cloud_init": seed} for name, seed in zip("abc", seeds, strict=False)]
    vault = yaml.safe_dump({"homelab_secret_key": KEY, "secrets": {"seed": SEED, "odd": "password: hunter2"}})
    answer = lookup.find_user_data(domains, lambda: lookup.vault_in("vault.yml", vault))
    return [one["cloud_init"] for one in answer["resources"]], json.loads(base64.b64decode(answer["secret_values"]))


def test_user_data_is_found_by_its_name_in_the_vault():
    digest = lookup.digest_of(KEY, SEED)
    seeds, values = user_data({"user_data_from": "seed"}, {}, {"user_data_from": "seed", "user_data_digest": digest})
    assert seeds == [{"user_data_from": "seed", "user_data_digest": digest}, {}, {"user_data_from": "seed", "user_data_digest": digest}]
    assert values == {"a": SEED, "c": SEED}


def test_user_data_that_is_missing_or_changed_or_none_is_told_without_it():
    wrong = {"user_data_from": "seed", "user_data_digest": "0" * 64}
    with pytest.raises(ValueError) as error:
        user_data({"user_data_from": "none"}, {"user_data_from": "odd"}, wrong)
    assert str(error.value).splitlines() == [
        f'domain a: the vault has no secret "none"; add it with: {VAULT_PROGRAM} edit <the inventory>/vault.yml',
        "domain b: the vault's text is no user data: it begins with #cloud-config, #! or Content-Type:",
        "domain c: the vault changed since the preview; run again",
    ]


def test_every_secret_that_is_missing_is_told():
    assert fault([{"name": "a"}, {"user": "web", "name": "b", "from": "c"}]).splitlines() == [
        f'podman-secret system/a: the vault has no secret "a"; add it with: {VAULT_PROGRAM} edit <the inventory>/vault.yml',
        f'podman-secret web/b: the vault has no secret "c"; add it with: {VAULT_PROGRAM} edit <the inventory>/vault.yml',
    ]


@pytest.mark.parametrize("row", VAULTS["kept"], ids=lambda row: row["vault"])
def test_a_vault_is_read_as_by_pulumi(row):
    resources = [{"name": f"s{number}", "from": name} for number, name in enumerate(row["values"])]
    assert list(found(resources, text=f"homelab_secret_key: {KEY}\n{row['vault']}\n")[1].values()) == list(row["values"].values())


@pytest.mark.parametrize("row", VAULTS["refused"], ids=lambda row: row["vault"])
def test_what_is_wrong_with_a_vault_is_told_without_what_it_holds(row):
    message = fault([{"name": "db"}], text=f"homelab_secret_key: {KEY}\n{row['vault']}\n")
    assert message == row["plain"]
    assert "hunter2" not in message


def test_a_key_is_long_and_other_names_are_refused():
    message = fault([{"name": "db"}], text="homelab_secret_key: hunter2\nkeys: {}\n")
    assert "keys: unknown name" in message
    assert "homelab_secret_key: at least 16 random characters" in message
    assert "hunter2" not in message
