// Secrets by both routes: what is shown, what is restarted, what arrives, and where a value never is.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Lab } from "./lab";
import { started, text } from "./look";
import { KEY, changed, configured, edit, good, inventory, playbook, remove, setVault, stack, up, withMore } from "./project";
import { projectRoot, pulumi } from "./pulumi";
import { sleep } from "./run";
import { needlesOf, searchHere, searchHost } from "./search";

jest.setTimeout(1_800_000);

// Looked for wherever it must not be; no shell, template or parser may take any part of a value for its own.
const MARKER = "Jq7mUnmistakable9Zt";
const odd = (number: number): string =>
  `--${number} "x" 'y' $HOME \${HOME} {{ 1 + 1 }} {% raw %} \\n ; touch /tmp/ran | & \`id\` ${MARKER} äß€😀\n\tline two: #no comment\r\n `;
const needles = needlesOf(MARKER);

const forever = "sh -c 'trap exit TERM; while :; do sleep 0.2; done'";
const container = (name: string, more: Record<string, unknown>, unit = {}): object => ({
  user: "web",
  name: `${name}.container`,
  sections: { Container: { Image: "web.image", Network: "none", Exec: forever, ...more }, Install: { WantedBy: "default.target" } },
  ...unit,
});
const secrets = [
  { user: "web", name: "odd" },
  { user: "web", name: "token", from: "plain" },
  { name: "whole", from: "plain" },
];
const using = (unit = {}): object => container("using", { Secret: ["odd", "odd,type=env,target=ODD", "token"] }, unit);
const units = [using(), container("apart", { Secret: "token" })];

let lab: Lab;
let scratch: string;

beforeAll(async () => {
  lab = await configured();
  // A folder of temporary files that only this test uses; short, since sockets lie in it.
  scratch = mkdtempSync(join(tmpdir(), "s-"));
  process.env["TMPDIR"] = scratch;
});

afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await lab.reset();
});

const configure = (lists: Record<string, object[]>): void => withMore(lists);
const values = (number: number): Record<string, string> => ({ greeting: "hello", plain: "a plain one", odd: odd(number) });
const podman = (command: string): Promise<string> => text("hv", `cd /; runuser -u web -- podman ${command}`);
/** What a command in the container prints, byte by byte. */
const inContainer = async (command: string): Promise<string> =>
  Buffer.from(await podman(`exec systemd-using ${command} | base64 -w0`), "base64").toString();
/** The services of web that were started again by some work. */
async function restarted(work: () => Promise<unknown>): Promise<string[]> {
  const before = (await started("hv", "web")).split("\n");
  await work();
  return (await started("hv", "web"))
    .split("\n")
    .filter((line) => !before.includes(line))
    .map((line) => line.split(" ")[0]!);
}
const everywhereHere = (): string[] => [join(inventory, ".."), scratch];

/** Looks on both machines, again and again, while some work is done. */
async function watched<T>(work: () => Promise<T>): Promise<T> {
  const stop = "/run/lab-search-stop";
  const stopHere = join(inventory, "../../search-stop");
  const searches = [searchHost(lab, needles, stop), searchHere(everywhereHere(), needles, stopHere)];
  await sleep(3000);
  try {
    return await work();
  } finally {
    writeFileSync(stopHere, "");
    await text("hv", `touch ${stop}`);
    const seen = await Promise.all(searches);
    await text("hv", `rm ${stop}`);
    rmSync(stopHere);
    expect(seen.map(({ found }) => found)).toEqual([[], []]);
    for (const { rounds } of seen) expect(rounds).toBeGreaterThan(3);
  }
}

const count = (output: string): number => needles.filter((needle) => output.includes(needle)).length;

test("the search finds a canary in files, arguments, environments and the journal", async () => {
  const encoded = Buffer.from(`ab${MARKER}yz`).toString("base64");
  await text("hv", `echo ${MARKER} >/run/canary; echo ${encoded} >/home/operator/canary; logger canary ${MARKER}`);
  await text("hv", `setsid sh -c 'sleep 60 # ${MARKER}' >/dev/null 2>&1 & X=${encoded} setsid sleep 61 >/dev/null 2>&1 &`);
  writeFileSync(join(scratch, "canary"), encoded);
  expect((await searchHost(lab, needles)).found).toEqual(
    expect.arrayContaining(["/run/canary", "/home/operator/canary", "cmdline of sh", "environ of sleep", "journal"]),
  );
  expect((await searchHere(everywhereHere(), needles)).found).toEqual([join(scratch, "canary")]);
  await lab.restore("configured");
  rmSync(join(scratch, "canary"));
});

test("values arrive as they are, and are nowhere else, at the highest verbosity of either route", async () => {
  await setVault(values(1));
  configure({ podman_secrets: secrets, quadlet_units: units });
  const grpc = join(scratch, "grpc.json");
  const loud = ["up", "--yes", "--skip-preview", "--logtostderr", "--logflow", "-v=11"];
  const { output } = await watched(() => good(stack(loud, { PULUMI_DEBUG_GRPC: grpc })));
  expect([count(output), output]).toEqual([0, expect.stringMatching(/\+ 5 created/)]);
  expect(await inContainer("cat /run/secrets/odd")).toBe(odd(1));
  expect((await inContainer("cat /proc/1/environ")).split("\0")).toContain(`ODD=${odd(1)}`);
  expect(await inContainer("cat /run/secrets/token")).toBe("a plain one");
  expect(await text("hv", "podman secret inspect whole --format '{{.Spec.Labels}}'; ls /tmp/ran 2>&1 || true")).toMatch(
    /^map\[homelab.hmac:[0-9a-f]{64} homelab.owner:lab\]\nls: /,
  );
  const plain = await watched(() => playbook("--limit", "hv", "-vvvv", "--diff"));
  expect([changed(plain.stdout), count(plain.stdout + plain.stderr)]).toEqual([{ hv: 0 }, 0]);
  expect((await searchHere(everywhereHere(), needles)).found).toEqual([]);
  expect((await searchHost(lab, needles)).found).toEqual([]);
});

test("what modules are given is not in the host's journal, after a preview and an apply by either route", async () => {
  const note = "Kx8nOfAUnit3Qp";
  const noted = (value: string) => ({ ...units[1]!, dropins: { "note.conf": `[Container]\nEnvironment=NOTE=${value}\n` } });
  configure({ podman_secrets: secrets, quadlet_units: [units[0]!, noted(note)] });
  await good(stack(["preview"]));
  await up();
  configure({ podman_secrets: secrets, quadlet_units: [units[0]!, noted(`${note}-2`)] });
  expect((await playbook("--limit", "hv", "--check")).code).toBe(0);
  expect((await playbook("--limit", "hv")).code).toBe(0);
  expect(await text("hv", `journalctl -q --no-pager -o json --all | grep -c ${note} || true`)).toBe("0\n");
  configure({ podman_secrets: secrets, quadlet_units: units });
  await up();
});

test("a changed value is shown alone, and restarts just what uses it, by either route", async () => {
  await setVault(values(2));
  const { output } = await good(stack(["preview", "--diff"]));
  expect(output.match(/^\s+~ pulumi-nodejs.*\n.*/gm)).toEqual([expect.stringContaining("hv/podman-secret/web/odd")]);
  expect(output).toMatch(/~ unit\s*: \{\n\s+~ digest: "[0-9a-f]{64}" => "[0-9a-f]{64}"\n(\s+\w+\s*: "\w+"\n)+\s+\}/);
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 1 });
  expect(await restarted(up)).toEqual(["using.service"]);
  expect(await inContainer("cat /run/secrets/odd")).toBe(odd(2));
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });

  await setVault(values(3));
  const loud = async (): Promise<void> => {
    const plain = await watched(() => playbook("--limit", "hv", "-vvvv", "--diff"));
    expect([plain.code, changed(plain.stdout), count(plain.stdout + plain.stderr)]).toEqual([0, { hv: 1 }, 0]);
  };
  expect(await restarted(loud)).toEqual(["using.service"]);
  expect(await inContainer("cat /run/secrets/odd")).toBe(odd(3));
  expect(await restarted(up)).toEqual([]);
});

test("what may not be restarted holds a changed value back, in the words of a unit's own change", async () => {
  configure({ podman_secrets: secrets, quadlet_units: [using({ restart: "denied" }), units[1]!] });
  await up();
  await setVault(values(4));
  const said = /podman-secret[^]*the change restarts using.container; set `restart: allowed` on that and apply it, then apply this/;
  const done = await stack(["up", "--yes", "--skip-preview"]);
  expect([done.code, done.output]).toEqual([1, expect.stringMatching(said)]);
  const plain = await playbook("--limit", "hv");
  expect([plain.code, plain.stdout]).toEqual([2, expect.stringMatching(said)]);
  expect(await inContainer("cat /run/secrets/odd")).toBe(odd(3));
  await setVault(values(3));
});

test("a secret of nobody is refused, and taken over only when asked; one that a unit names stays", async () => {
  await text("hv", "cd /; for name in theirs others; do echo x | runuser -u web -- podman secret create $name -; done");
  const theirs = { user: "web", name: "theirs", from: "plain" };
  const quadlet = [using(), units[1]!];
  configure({ podman_secrets: [...secrets, theirs], quadlet_units: quadlet });
  const refused = await stack(["up", "--yes", "--skip-preview"]);
  expect([refused.code, refused.output]).toEqual([1, expect.stringMatching(/it exists and is not managed by homelab. Set `adopt: true`/)]);
  configure({ podman_secrets: [...secrets, { ...theirs, adopt: true }], quadlet_units: quadlet });
  await up();
  configure({ podman_secrets: secrets.filter(({ name }) => name !== "odd"), quadlet_units: quadlet });
  const held = await stack(["up", "--yes", "--skip-preview"]);
  expect([held.code, held.output]).toEqual([1, expect.stringMatching(/web\/odd was not removed: using.container still names it/)]);
  expect(await podman("secret ls --format '{{.Name}}'")).toMatch(/odd/);
});

test("what left the configuration is told, and removed when asked, by either route; that needs no vault", async () => {
  configure({});
  remove("host_vars/hv.yml", /podman_secrets:\n(?: .*\n)+/);
  edit("host_vars/hv.yml", 'Secret: "greeting"', 'ReadOnly: "false"');
  rmSync(join(inventory, "vault.yml"));
  const report = await playbook("--limit", "hv", "--check");
  expect(report.stdout).toMatch(/"podman-secret": \[\n\s+"system\/whole",\n\s+"web\/greeting",\n\s+"web\/odd",\n\s+"web\/token"/);
  edit("group_vars/all.yml", "homelab_owner: lab\n", "homelab_owner: lab\nhomelab_prune: true\n");
  const pruned = await playbook("--limit", "hv");
  expect([pruned.code, changed(pruned.stdout)]).toEqual([0, { hv: 3 }]);
  expect(await podman("secret ls --format '{{.Name}}'")).toBe("others\n");
  expect(await text("hv", "podman secret ls -q; ls /var/lib/homelab/lab")).not.toMatch(/podman-secret/);
  expect((await up()).output).toMatch(/- \d+ deleted/);
});

test("a program's own secret output arrives, and is in no state, not even encrypted", async () => {
  const folder = join(inventory, "../program");
  mkdirSync(folder);
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ name: "program", runtime: "nodejs", main: "index.js" }));
  symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  writeFileSync(
    join(folder, "index.js"),
    `const pulumi = require("@pulumi/pulumi");
const { PodmanSecret } = require("@homelab/providers");
const given = { value: pulumi.secret(process.env.VALUE), key: pulumi.secret(${JSON.stringify(KEY)}) };
const target = { host: "hv", inventory: "../inventory", owner: "program" };
new PodmanSecret("own", { ...target, unit: { user: "web", name: "own" }, ...given });
`,
  );
  const program = (args: string[], number = 1) =>
    good(
      pulumi([...args, "--cwd", folder, "--stack", "own", "--non-interactive"], {
        PULUMI_BACKEND_URL: `file://${join(inventory, "../backend")}`,
        VALUE: odd(number),
      }),
    );
  await good(pulumi(["stack", "init", "own", "--cwd", folder], { PULUMI_BACKEND_URL: `file://${join(inventory, "../backend")}` }));
  expect((await program(["up", "--yes", "--skip-preview"])).output).toMatch(/\+ 2 created/);
  const value = async (): Promise<string> =>
    Buffer.from(
      await text("hv", "cd /; runuser -u web -- podman secret inspect own --showsecret --format '{{.SecretData}}' | base64 -w0"),
      "base64",
    ).toString();
  expect(await value()).toBe(`${odd(1)}\n`);
  const { output } = await program(["preview", "--diff"], 2);
  expect(output).toMatch(/~ digest/);
  expect((await program(["up", "--yes", "--skip-preview"], 2)).output).toMatch(/~ 1 updated/);
  expect(await value()).toBe(`${odd(2)}\n`);
  const state = (await program(["stack", "export"])).output;
  expect([count(state), state]).toEqual([0, expect.not.stringMatching(/ciphertext|"value": "/)]);
  expect((await program(["destroy", "--yes", "--skip-preview"])).output).toMatch(/- 2 deleted/);
  expect(await podman("secret ls --format '{{.Name}}'")).toBe("others\n");
});

test("what is wrong with the vault is told before any connection, by either route", async () => {
  configure({ podman_secrets: [{ user: "web", name: "none" }] });
  await setVault(values(1));
  writeFileSync(join(inventory, "ssh_config"), "Host *\n  ProxyCommand false\n");
  const said = /the vault has no secret "none"/;
  const done = await stack(["preview"]);
  expect([done.code === 0, done.output]).toEqual([false, expect.stringMatching(said)]);
  const plain = await playbook("--limit", "hv");
  expect([plain.code, plain.stdout + plain.stderr]).toEqual([2, expect.stringMatching(said)]);
  expect(plain.stdout).not.toMatch(/UNREACHABLE/);
});
