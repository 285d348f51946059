// The project as a test uses it: a copy of the lab's inventory that may be edited, and a state of its own.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { ensureLab, type Lab } from "./lab";
import { keptDir, sshConfig, stateDir } from "./paths";
import { projectRoot, pulumi, type PulumiRun, type Running, startPulumi } from "./pulumi";
import { run, type Result } from "./run";

// Each lab has its own, so that two can be used at the same time.
export const STACK = `test-of-${basename(stateDir)}`;
const FOLDER = `.state/${STACK}`;
const ROOT = join(projectRoot, FOLDER);
export const inventory = join(ROOT, "inventory");
/** States that tests begin with. Each run of all tests makes them anew (test/run.ts), so that none is of older code. */
type State = "configured" | "hypervisor";
/** The key of the secrets that a test sets. */
export const KEY = "the tests' own key for secrets";
const runsLog = join(ROOT, "runs.log");

export const env = { PULUMI_BACKEND_URL: `file://${join(ROOT, "backend")}`, HOMELAB_RUNS_LOG: runsLog };

/** A fresh copy of the inventory, and no state. */
export async function fresh(): Promise<void> {
  rmSync(ROOT, { recursive: true, force: true });
  mkdirSync(join(ROOT, "backend"), { recursive: true });
  cpSync(join(projectRoot, "ansible/inventory/lab"), inventory, { recursive: true });
  cpSync(sshConfig, join(inventory, "ssh_config"));
  writeFileSync(join(inventory, "host_vars/hv.yml"), hvWithoutGuests());
  await good(stack(["stack", "init"]));
}

/** Keeps lab, inventory and state as they are now, for the tests that begin with them. */
export async function keep(lab: Lab, state: State = "configured"): Promise<void> {
  const folder = join(keptDir, state);
  await lab.save(state);
  rmSync(folder, { recursive: true, force: true });
  cpSync(ROOT, folder, { recursive: true });
}

/** The lab in one of these states: as it was kept, else made and kept. */
async function kept(state: State, make: (lab: Lab) => Promise<unknown>): Promise<Lab> {
  const lab = await ensureLab();
  if (existsSync(join(keptDir, state))) {
    await lab.restore(state);
    rmSync(ROOT, { recursive: true, force: true });
    cpSync(join(keptDir, state), ROOT, { recursive: true });
  } else {
    await make(lab);
    await keep(lab, state);
  }
  return lab;
}

/** The lab as `up` leaves it. */
export const configured = (): Promise<Lab> =>
  kept("configured", async (lab) => {
    await lab.reset();
    await fresh();
    await up();
  });

/** The lab as `up` leaves it with hv as a hypervisor. */
export const hypervisor = (): Promise<Lab> =>
  kept("hypervisor", async () => {
    await configured();
    asHypervisor({});
    await up();
  });

/** `pulumi up` on the test's stack; throws when it fails. */
export const up = (...args: string[]): Promise<PulumiRun> => good(stack(["up", "--yes", "--skip-preview", ...args]));

/** The same behind its own preview, as a user runs it: what that refuses is not begun. */
export const previewedUp = (): Promise<PulumiRun> => good(stack(["up", "--yes"]));

/** A pulumi command on the test's stack. */
export function stack(args: string[], more: Record<string, string> = {}): Promise<PulumiRun> {
  writeFileSync(runsLog, "");
  return stackOf("inventory", args, more);
}

/** `pulumi up` on the test's stack, which a test may end before its time. */
export const startUp = (): Running => startPulumi(argsOf("inventory", ["up", "--yes", "--skip-preview"]), env);

/** A pulumi command on the stack of another inventory, a folder beside the test's own. */
export const stackOf = (folder: string, args: string[], more: Record<string, string> = {}): Promise<PulumiRun> =>
  pulumi(argsOf(folder, args), { ...env, ...more });

function argsOf(folder: string, args: string[]): string[] {
  const name = folder === "inventory" ? STACK : `${STACK}-${folder}`;
  const [command, ...more] = args;
  // Pulumi keeps what it is told so, and the last word counts: an earlier run's verify=false must not hold for this one.
  const config = [`homelab:inventory=${FOLDER}/${folder}`, "homelab:verify=true"].flatMap((one) => ["--config", one]);
  const told = ["up", "preview"].includes(command!) ? config : [];
  return [command!, ...told, ...more, "--stack", name, "--non-interactive"];
}

/** The runs of Ansible that the last pulumi command made, with the number of calls that each served. */
export function runs(): { host: string; calls: number }[] {
  const lines = readFileSync(runsLog, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as { host: string; calls: number });
}

/** Throws, with what was printed, when a run failed. */
export async function good(running: Promise<PulumiRun>): Promise<PulumiRun> {
  const done = await running;
  if (done.code !== 0) throw new Error(done.output);
  return done;
}

/** Plain Ansible on the same inventory, without Pulumi. */
export const playbook = (...args: string[]): Promise<Result> => playbookOf(inventory, ...args);

/** Plain Ansible on an inventory. Each run logs in anew, as one does a minute after the last. */
export async function playbookOf(folder: string, ...args: string[]): Promise<Result> {
  const sockets = mkdtempSync(join(tmpdir(), "cp-"));
  const site = join(projectRoot, "ansible/site.yml");
  const command = [join(projectRoot, ".venv/bin/ansible-playbook"), "-i", join(folder, "hosts.yml"), site, ...args];
  const env = { ANSIBLE_CONFIG: join(projectRoot, "ansible/ansible.cfg"), ANSIBLE_SSH_CONTROL_PATH_DIR: sockets };
  const done = await run(command, { check: false, env });
  rmSync(sockets, { recursive: true, force: true });
  return done;
}

/** The same for both hosts at once, each by a run of its own: for hosts that are configured already. */
export async function playbooks(...args: string[]): Promise<string> {
  const done = await Promise.all(["hv", "app"].map((host) => playbook("--limit", host, ...args)));
  return done.map(({ stdout }) => stdout).join("\n");
}

/** `changed=` of each host in a playbook's recap. */
export function changed(output: string): Record<string, number> {
  return Object.fromEntries([...output.matchAll(/^(\w+)\s+: ok=\d+\s+changed=(\d+)/gm)].map(([, host, count]) => [host!, Number(count)]));
}

/** Writes the inventory's vault anew, with these secrets. The plain text goes through a pipe, never a file. */
export async function setVault(secrets: Record<string, string>): Promise<void> {
  const text = stringify({ homelab_secret_key: KEY, secrets }, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" });
  await run([join(projectRoot, ".venv/bin/ansible-vault"), "encrypt", "--output", join(inventory, "vault.yml"), "-"], { input: text });
}

/** The lab's own configuration of hv without what needs libvirt, whose packages take minutes to install there. */
function hvWithoutGuests(): string {
  const text = readFileSync(join(projectRoot, "ansible/inventory/lab/host_vars/hv.yml"), "utf8");
  return text.replace("  hypervisor: true\n", "").replace(/\npools:\n[^]*?(?=\nnftables_tables:\n)/, "");
}

/** That, with these units more. */
export function withMore(more: Record<string, object[]>): void {
  writeFileSync(join(inventory, "host_vars/hv.yml"), hvWithoutGuests());
  alter<Record<string, object[]>>("host_vars/hv.yml", (hv) => {
    for (const [list, units] of Object.entries(more)) hv[list] = [...(hv[list] ?? []), ...units];
  });
}

/** The same as a hypervisor, with these units more. */
export function asHypervisor(more: Record<string, object[]>): void {
  withMore(more);
  edit("host_vars/hv.yml", "podman: true", "podman: true\n  hypervisor: true\n  packages: [ovmf]");
}

/** Changes what a file of the inventory holds. */
export function alter<T>(file: string, change: (held: T) => void): void {
  const path = join(inventory, file);
  const held = parse(readFileSync(path, "utf8")) as T;
  change(held);
  writeFileSync(path, stringify(held, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" }));
}

/** Replaces one text in a file of the inventory; it must be there. */
export function edit(file: string, from: string, to: string): void {
  const path = join(inventory, file);
  const text = readFileSync(path, "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(path, text.replace(from, to));
}

/** Takes what matches out of a file of the inventory; it must be there. */
export function remove(file: string, pattern: RegExp): void {
  const path = join(inventory, file);
  const text = readFileSync(path, "utf8");
  if (!pattern.test(text)) throw new Error(`${file} has nothing like ${pattern.source}`);
  writeFileSync(path, text.replace(pattern, ""));
}
