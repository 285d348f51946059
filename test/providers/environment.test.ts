// What of the environment and of an inventory changes how Ansible runs. No host is reached: nothing listens on port 1.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ansibleEnvironment } from "../../providers/ansible/program";
import { type Run, startAlone } from "../../providers/ansible/run";

const root = resolve(__dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "environment-"));
const before = { ...process.env };

beforeAll(() => {
  const host = { ansible_host: "127.0.0.1", ansible_port: 1, ansible_ssh_common_args: "-F none", homelab_owner: "lab" };
  const inventory = { all: { hosts: { h: host, self: { ...host, ansible_connection: "local" } } } };
  writeFileSync(join(folder, "hosts.yml"), JSON.stringify(inventory));
});

afterEach(() => {
  process.env = { ...before };
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A run of site.yml on a host of the inventory; in check mode, in case that a test is right to fail. */
const site = (host: string): Promise<Run> =>
  startAlone(["-i", join(folder, "hosts.yml"), "--limit", host, "--check", join(root, "ansible/site.yml")], 60_000);

const isUnreachable = ({ events }: Run): boolean => events.some(({ event, msg }) => event === "unreachable" && /port 1\b/.test(msg!));

test.each([
  ["ANSIBLE_TRANSPORT", "local"],
  ["ANSIBLE_SKIP_TAGS", "all"],
])("%s does not keep an apply from its host", async (name, value) => {
  process.env[name] = value;
  expect(isUnreachable(await site("h"))).toBe(true);
});

test("an inventory cannot have a host applied to the controller", async () => {
  expect(isUnreachable(await site("self"))).toBe(true);
});

test("plain Ansible does not take ANSIBLE_TRANSPORT either", () => {
  const program = join(root, ".venv/bin/ansible-playbook");
  const args = ["-i", join(folder, "hosts.yml"), "--limit", "h", "--check", "site.yml"];
  const env = { ...process.env, ANSIBLE_TRANSPORT: "local" };
  const { stdout, stderr } = spawnSync(program, args, { cwd: join(root, "ansible"), encoding: "utf8", env });
  expect(stdout + stderr).toMatch(/UNREACHABLE[^]*port 1\b/);
});

test("nothing loads other code into Ansible", async () => {
  const code = join(folder, "code");
  mkdirSync(code);
  const leave = `open(${JSON.stringify(join(folder, "loaded"))}, "w")\n`;
  for (const name of ["sitecustomize", "homelab_run", "plugin"]) writeFileSync(join(code, `${name}.py`), leave);
  process.env["PYTHONPATH"] = code;
  for (const kind of ["LOOKUP", "CALLBACK", "STRATEGY", "CONNECTION", "VARS", "FILTER"]) process.env[`ANSIBLE_${kind}_PLUGINS`] = code;
  process.env["ANSIBLE_LIBRARY"] = code;
  process.env["ANSIBLE_CALLBACKS_ENABLED"] = "plugin";
  expect(isUnreachable(await site("h"))).toBe(true);
  expect(existsSync(join(folder, "loaded"))).toBe(false);
});

test("the vault's password reaches Ansible, relative to where the user stands", () => {
  process.env["ANSIBLE_VAULT_PASSWORD_FILE"] = "password";
  process.env["ANSIBLE_VAULT_IDENTITY_LIST"] = "lab@password";
  process.env["SSH_AUTH_SOCK"] = "/run/agent";
  expect(ansibleEnvironment()).toMatchObject({
    ANSIBLE_VAULT_PASSWORD_FILE: resolve("password"),
    ANSIBLE_VAULT_IDENTITY_LIST: "lab@password",
    SSH_AUTH_SOCK: "/run/agent",
  });
});

test("a guest's key is pinned on the controller, though its hypervisor is reached by SSH", async () => {
  const known = join(folder, "known_hosts");
  writeFileSync(join(folder, "ssh_config"), `Host web\n  HostName 10.10.10.30\n  UserKnownHostsFile ${known}\n`);
  writeFileSync(join(folder, "guests.yml"), "all: { hosts: { h: { ansible_port: 1 } }, children: { guests: { hosts: { web: } } } }\n");
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHmP9iWBQjAV0tBQcIyqQZZcIRYmTQNcqfbFFQnVrLXA";
  const pin = { "ansible.builtin.include_tasks": join(root, "ansible/roles/domain/tasks/pin.yml"), vars: { domain_keys: { web: key } } };
  const vars = { ansible_connection: "ssh", domains: [{ name: "web" }] };
  const play = { hosts: "h", gather_facts: false, vars, tasks: [pin] };
  writeFileSync(join(folder, "play.yml"), JSON.stringify([play]));
  const run = spawnSync(join(root, ".venv/bin/ansible-playbook"), ["-i", join(folder, "guests.yml"), join(folder, "play.yml")], {
    encoding: "utf8",
    env: {
      ...process.env,
      ANSIBLE_CONFIG: join(root, "ansible/ansible.cfg"),
      ANSIBLE_LOOKUP_PLUGINS: join(root, "ansible/lookup_plugins"),
    },
  });
  expect(run.stdout).toMatch(/h -> localhost/);
  expect(readFileSync(known, "utf8")).toBe(`10.10.10.30 ${key}\n`);
});
