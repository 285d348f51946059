import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { InventoryError, loadInventory } from "../../components/inventory/load";
import { viewVault } from "../../providers/ansible/vault";
import { digestOf } from "../../providers/podman-secret/digest";

jest.mock("../../providers/ansible/vault", () => {
  const actual = jest.requireActual<{ viewVault: (file: string) => string }>("../../providers/ansible/vault");
  return { ...actual, viewVault: jest.fn(actual.viewVault) };
});

const vaults = parse(readFileSync(join(__dirname, "vaults.yml"), "utf8")) as {
  kept: { vault: string; values: Record<string, string> }[];
  refused: { vault: string; pulumi: string }[];
};

const KEY = "sixteen characters";
const HOST = "podman_secrets:\n  - { user: web, name: db }\n  - { name: token, from: api }\n";
const good = stringify({ homelab_secret_key: KEY, secrets: { db: "hunter2", api: "{{ 'ä' }}" } });

let folder: string;
const password = process.env["ANSIBLE_VAULT_PASSWORD_FILE"]!;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "inventory-"));
  for (const name of ["group_vars", "host_vars"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "hosts.yml"), "all: { hosts: { hv: } }\n");
  writeFileSync(join(folder, "group_vars/all.yml"), `homelab_owner: lab\nansible_ssh_common_args: "-F '{{ inventory_dir }}/ssh_config'"\n`);
  writeFileSync(join(folder, "ssh_config"), "");
  writeFileSync(join(folder, "host_vars/hv.yml"), HOST);
});

afterEach(() => {
  process.env["ANSIBLE_VAULT_PASSWORD_FILE"] = password;
  rmSync(folder, { recursive: true });
});

const program = resolve(__dirname, "../../.venv/bin/ansible-vault");

function encrypted(text: string): void {
  // jest keeps process.env to itself unless it is handed on.
  const options = {
    input: text,
    env: { ...process.env, ANSIBLE_VAULT_PASSWORD_FILE: password },
    stdio: ["pipe", "ignore", "ignore"],
  } as const;
  execFileSync(program, ["encrypt", "--output", join(folder, "vault.yml"), "-"], { ...options, stdio: [...options.stdio] });
}

/** A vault that is played, since each call of ansible-vault takes a second. */
function decrypted(text: string): void {
  writeFileSync(join(folder, "vault.yml"), "");
  jest.mocked(viewVault).mockReturnValueOnce(text);
}

/** Every problem, without the folder; none shows what the vault holds. */
function problems(): string[] {
  try {
    loadInventory(folder);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InventoryError);
    expect((error as Error).message).not.toMatch(/hunter2|sixteen/);
    return (error as Error).message.replaceAll(`${folder}/`, "").split("\n").slice(1);
  }
}

test("a secret's unit has its name in the vault and the HMAC of its value, and nothing else of it", () => {
  encrypted(good);
  expect(loadInventory(folder).hosts[0]!.podman_secrets).toEqual([
    { user: "web", name: "db", from: "db", digest: digestOf(KEY, "hunter2") },
    { name: "token", from: "api", digest: digestOf(KEY, "{{ 'ä' }}") },
  ]);
  // By: printf %s value | openssl dgst -sha256 -hmac "sixteen characters"; the lookup of the other route is held to the same.
  expect(digestOf(KEY, "value")).toBe("3d818364df0b370c558c1ee438741216b568a0f77731d138c505b6b2f0337118");
});

const GUEST = "domains:\n  - { name: db, memory: 1 GiB, cloud_init: { user_data_from: seed } }\n";

test("a guest's user data in the vault is known by its HMAC, and by nothing else", () => {
  const seed = "#cloud-config\npassword: hunter2\n";
  encrypted(stringify({ homelab_secret_key: KEY, secrets: { seed } }));
  writeFileSync(join(folder, "host_vars/hv.yml"), `homelab_host: { hypervisor: true }\n${GUEST}`);
  expect(loadInventory(folder).hosts[0]!.domains[0]!.cloud_init).toEqual({ user_data_from: "seed", user_data_digest: digestOf(KEY, seed) });
});

test("user data that the vault has not, or that is none, is told where it is named", () => {
  writeFileSync(join(folder, "host_vars/hv.yml"), `homelab_host: { hypervisor: true }\n${GUEST}`);
  const where = "host_vars/hv.yml:3:62: domains.0.cloud_init.user_data_from:";
  decrypted(stringify({ homelab_secret_key: KEY, secrets: {} }));
  expect(problems()).toEqual([`${where} the vault has no secret "seed"; add it with: ${program} edit vault.yml`]);
  decrypted(stringify({ homelab_secret_key: KEY, secrets: { seed: "password: hunter2" } }));
  expect(problems()).toEqual([`${where} the vault's text is no user data: it begins with #cloud-config, #! or Content-Type:`]);
  writeFileSync(join(folder, "host_vars/hv.yml"), GUEST.replace("seed }", `seed, user_data_digest: ${"a".repeat(64)} }`));
  expect(problems()).toEqual([expect.stringMatching(/cloud_init.user_data_digest: unknown key/)]);
});

test("an inventory without secrets needs neither vault nor password", () => {
  writeFileSync(join(folder, "host_vars/hv.yml"), "podman_secrets: []\n");
  delete process.env["ANSIBLE_VAULT_PASSWORD_FILE"];
  expect(problems()).toEqual([]);
});

test("a vault that is missing, in plain text, or cannot be decrypted is one error", () => {
  expect(problems()).toEqual([`vault.yml:1:1: missing: it holds the secrets that hosts name; make it with: ${program} create vault.yml`]);
  writeFileSync(join(folder, "vault.yml"), good);
  expect(problems()).toEqual([`vault.yml:1:1: it is not encrypted; do that with: ${program} encrypt vault.yml`]);
  encrypted(good);
  process.env["ANSIBLE_VAULT_PASSWORD_FILE"] = join(folder, "other");
  expect(problems()[0]).toMatch(/^vault.yml:1:1: it cannot be decrypted with other: .*/);
  writeFileSync(join(folder, "other"), "wrong\n");
  expect(problems()[0]).toMatch(/^vault.yml:1:1: it cannot be decrypted with other: .*Decryption failed/);
  delete process.env["ANSIBLE_VAULT_PASSWORD_FILE"];
  expect(problems()).toEqual([expect.stringMatching(/^vault.yml:1:1: its password is needed: export ANSIBLE_VAULT_PASSWORD_FILE=/)]);
});

test("a secret that the vault has not is told where it is named", () => {
  decrypted(stringify({ homelab_secret_key: KEY, secrets: { other: "hunter2" } }));
  expect(problems()).toEqual([
    `host_vars/hv.yml:2:24: podman_secrets.0.name: the vault has no secret "db"; add it with: ${program} edit vault.yml`,
    `host_vars/hv.yml:3:26: podman_secrets.1.from: the vault has no secret "api"; add it with: ${program} edit vault.yml`,
  ]);
});

test.each(vaults.kept)("a vault with $vault is read as by plain Ansible", ({ vault, values }) => {
  decrypted(`homelab_secret_key: ${KEY}\n${vault}\n`);
  writeFileSync(
    join(folder, "host_vars/hv.yml"),
    stringify({ podman_secrets: Object.keys(values).map((from, n) => ({ name: `s${n}`, from })) }),
  );
  expect(loadInventory(folder).hosts[0]!.podman_secrets.map(({ digest }) => digest)).toEqual(
    Object.values(values).map((value) => digestOf(KEY, value)),
  );
});

test.each(vaults.refused)("a vault with $vault is told without what it holds", ({ vault, pulumi }) => {
  decrypted(`homelab_secret_key: ${KEY}\n${vault}\n`);
  expect(problems()).toContain(pulumi);
});

test("a short key, a bad name and a digest that somebody wrote are refused", () => {
  decrypted("homelab_secret_key: hunter2\nsecrets: { db: x }\n");
  expect(problems()).toEqual(["vault.yml:1:21: homelab_secret_key: at least 16 random characters; openssl rand -hex 32 makes some"]);
  writeFileSync(join(folder, "host_vars/hv.yml"), `podman_secrets: [ { name: -db }, { name: db, digest: ${"a".repeat(64)} } ]\n`);
  expect(problems()).toEqual([
    'host_vars/hv.yml:1:27: podman_secrets.0.name: expected a secret\'s name: letters, digits, _ . and - within, at most 200, got "-db"',
    expect.stringMatching(/^host_vars\/hv.yml:1:46: podman_secrets.1.digest: unknown key/),
  ]);
});
