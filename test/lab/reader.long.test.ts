// A login that can only look: previews, refreshes, status, undeclared and doctor work with it, and nothing that writes does.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab } from "./lab";
import { footprint, started, text } from "./look";
import { STACK, configured, edit, env, good, inventory, playbook, remove, stack, up } from "./project";
import { projectRoot } from "./pulumi";
import { type Result, run } from "./run";

jest.setTimeout(1_800_000);

let lab: Lab;
let before: string;
const folder = mkdtempSync(join(tmpdir(), "reader-"));
const key = join(folder, "key");
const READER = { HOMELAB_READER_KEY: key };

const everything = async (): Promise<string> =>
  (await footprint("hv")) +
  (await text("hv", "nft -s list ruleset; ip -o address | sed 's/valid_lft.*//'; cat /etc/passwd")) +
  (await started("hv", "web"));

beforeAll(async () => {
  lab = await configured();
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ci@example", "-f", key]);
  const line = readFileSync(`${key}.pub`, "utf8").trim();
  const reader = (guests: string) => `  readers: [{ key: "${line}"${guests} }]\n`;
  edit("host_vars/hv.yml", "  forwarding: true\n", `  forwarding: true\n${reader(', guests: ["10.10.10.20:22"]')}`);
  edit("host_vars/app.yml", "homelab_host:\n", `homelab_host:\n${reader("")}`);
  await up();
  expect((await playbook()).stdout).not.toMatch(/changed=[1-9]/);
  before = await everything();
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await lab.reset();
});

const command = (name: string, ...args: string[]): Promise<Result> =>
  run(["node", "cli/run.js", name, ...args], { env: { ...env, ...READER }, check: false });

test("a preview, a refresh, status, undeclared and doctor work with it", async () => {
  const preview = await good(stack(["preview"], READER));
  expect(preview.output).toMatch(/hv is verified: \d+ in sync\n/);
  expect(preview.output).toMatch(/app is verified: \d+ in sync\n/);
  expect(preview.output).toContain("this login can only look");
  await good(stack(["preview", "--refresh", "--expect-no-changes"], READER));
  await good(stack(["refresh", "--yes", "--skip-preview", "--expect-no-changes"], READER));
  await text("hv", "nft add rule inet isolation input tcp dport 22 accept");
  expect((await good(stack(["preview"], READER))).output).toMatch(/isolation: drift outside this plan[^]*-.*tcp dport 22 accept/);
  await text("hv", "systemctl restart homelab-nftables");
  for (const [name, of] of Object.entries({ status: STACK, undeclared: "hv", doctor: "hv", history: "hv" })) {
    const { stdout, stderr } = await command(name, of, "--inventory", inventory);
    expect([name, stdout + stderr]).toEqual([name, expect.stringMatching(/^hv$/m)]);
    expect([name, stdout + stderr]).toEqual([name, expect.not.stringMatching(/cannot be read|Permission denied|rror:/)]);
  }
});

/** An SSH login with the reader's key, in the words of ssh(1). */
const login = (words: string[], input = ""): Promise<Result> =>
  run(
    [
      "ssh",
      "-F",
      join(inventory, "ssh_config"),
      "-o",
      "User=homelab-reader",
      "-o",
      `IdentityFile=${key}`,
      "-o",
      "ControlPath=none",
      ...words,
    ],
    {
      check: false,
      timeoutSeconds: 60,
      input,
    },
  );

const REQUEST = (group: object): string => JSON.stringify({ groups: [{ kind: "sysctl", owner: "lab", resources: [], ...group }] });
const attempts: [string, () => Promise<{ code: number | null }>][] = [
  ["a command", () => login(["hv", "touch /tmp/written"])],
  ["a shell", () => login(["hv"], "touch /tmp/written\n")],
  ["a shell with a terminal", () => login(["-tt", "hv"], "touch /tmp/written\n")],
  ["sudo", () => login(["hv", "sudo -n touch /tmp/written"])],
  ["the program with words", () => login(["hv", "sudo -n /etc/homelab/read --x"])],
  ["another shell", () => login(["hv", "bash -c 'touch /tmp/written'"])],
  ["python", () => login(["hv", "sudo -n python3 -I -"], "open('/tmp/written', 'w')")],
  [
    "a file that is copied",
    () =>
      run(["scp", "-F", join(inventory, "ssh_config"), "-o", `IdentityFile=${key}`, key, "homelab-reader@hv:/tmp/written"], {
        check: false,
      }),
  ],
  ["sftp", () => login(["-s", "hv", "sftp"], "put")],
  ["a forwarded port of the host's own", () => login(["-L", "9022:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes", "hv"])],
  ["a port that the host listens on", () => login(["-R", "9023:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes", "hv"])],
  ["an agent", () => login(["-A", "hv", "ssh-add -l > /tmp/written"])],
  ["an X display", () => login(["-X", "hv", "touch /tmp/written"])],
  [
    "variables of the environment",
    () => login(["-o", "SetEnv=BASH_ENV=/tmp/x PYTHONPATH=/tmp LD_PRELOAD=/tmp/x", "hv", "touch /tmp/written"]),
  ],
  ["a tunnel", () => login(["-w", "any", "-o", "ExitOnForwardFailure=yes", "hv"])],
  ["a kind that is a module", () => login(["hv"], REQUEST({ kind: "os" }))],
  ["an owner that is a path", () => login(["hv"], REQUEST({ owner: "../../etc" }))],
  ["a parameter that is a path", () => login(["hv"], REQUEST({ resources: [{ name: "x", settings: { "../../etc/shadow": "1" } }] }))],
  [
    "a file of root's in rules",
    () => login(["hv"], REQUEST({ kind: "nftables-table", resources: [{ family: "inet", name: "x", content: 'include "/etc/shadow"' }] })),
  ],
  [
    "a file outside of a home",
    () =>
      login(
        ["hv"],
        REQUEST({ kind: "quadlet-unit", resources: [{ user: "web", name: "x.container", content: "", files: { "../../x": "" } }] }),
      ),
  ],
  [
    "an emulator of its own",
    () =>
      login(
        ["hv"],
        REQUEST({ kind: "domain", resources: [{ name: "x", xml: "<domain><devices><emulator>/tmp/x</emulator></devices></domain>" }] }),
      ),
  ],
  [
    "an option of a program",
    () => login(["hv"], REQUEST({ kind: "doctor", resources: [{ packages: { packages: ["--admindir=/tmp"] }, homes: [], pools: [] }] })),
  ],
  ["a request without end", () => login(["hv"], "x".repeat(20 * 1024 * 1024))],
  ["a request that is deep", () => login(["hv"], "[".repeat(1_000_000))],
  ["up", () => changed(() => stack(["up", "--yes", "--skip-preview"], READER))],
  ["up with a refresh", () => changed(() => stack(["up", "--yes", "--refresh", "--skip-preview"], READER))],
  ["destroy", () => stack(["destroy", "--yes", "--skip-preview"], READER)],
  ["a target of destroy", () => stack(["destroy", "--yes", "--skip-preview", "--target", "**bridge**"], READER)],
  ["plain Ansible", () => asReader([join(projectRoot, "ansible/site.yml")])],
  ["plain Ansible in check mode", () => asReader([join(projectRoot, "ansible/site.yml"), "--check"])],
];

async function changed(work: () => Promise<{ code: number | null }>): Promise<{ code: number | null }> {
  edit("host_vars/hv.yml", "devices reach nothing on this host", "written");
  const done = await work();
  edit("host_vars/hv.yml", "written", "devices reach nothing on this host");
  return done;
}

const asReader = (words: string[]): Promise<{ code: number | null }> =>
  run(
    [
      join(projectRoot, ".venv/bin/ansible-playbook"),
      "-i",
      join(inventory, "hosts.yml"),
      "-u",
      "homelab-reader",
      "--private-key",
      key,
      ...words,
    ],
    { env: { ANSIBLE_CONFIG: join(projectRoot, "ansible/ansible.cfg") }, check: false },
  );

test(`${attempts.length} of ${attempts.length} attempts to write fail`, async () => {
  expect(attempts.length).toBeGreaterThanOrEqual(30);
  for (const [what, attempt] of attempts) expect([what, (await attempt()).code === 0]).toEqual([what, false]);
  expect(await text("hv", "ls /tmp/written 2>/dev/null || true")).toBe("");
  expect(await everything()).toBe(before);
});

test("once no key is declared, nothing of the login is left", async () => {
  remove("host_vars/hv.yml", /^ {2}readers: .*\n/m);
  await up();
  expect(
    await text(
      "hv",
      "ls -d /etc/homelab/read /etc/homelab/lib/homelab_observers /etc/sudoers.d/homelab-reader /var/lib/homelab-reader 2>/dev/null || true; getent passwd homelab-reader || true",
    ),
  ).toBe("");
  expect((await login(["hv"], REQUEST({}))).code).not.toBe(0);
});
