import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type Readable } from "node:stream";
import { UserError } from "../errors";
import { checkStrictness } from "../ssh/config";
import { assertMayChange } from "../ssh/reader";
import { commandLine } from "../ssh/quote";
import { printable, printableIn } from "../untrusted";
import { ansibleEnvironment, ansibleProgram, packageRoot } from "./program";

/** A request for one host: resources to apply and names to remove, by kind. `values` are a program's secrets by name. */
export interface Request {
  owner: string;
  resources: Record<string, object[]>;
  absent: Record<string, string[]>;
  values: Record<string, string>;
}

/** The result of a kind's module for one resource. */
export interface ResourceResult {
  name: string;
  changed: boolean;
  failed: boolean;
  present: boolean;
  msg: string;
  /** The remaining differences, as text. */
  differences?: string;
  /** The change as text, its disruption (live, restart, next-boot, replace, data-loss), and what else it affects. */
  diff?: string;
  disruption?: string;
  affected?: string[];
  facts: Record<string, unknown>;
}

/** A line of callback_plugins/homelab_events.py. */
export interface Event {
  event: "task" | "detected" | "result" | "confirmed" | "failed" | "unreachable" | "recap";
  host?: string;
  kind?: string;
  task?: string;
  /** The task's part in a run, where it has one. */
  step?: "apply" | "confirm" | "rolled_back" | "connection_lost";
  /** The role that the task is of. */
  role?: string;
  msg?: string;
  /** Another run holds the lock on the host, so nothing was started. */
  rejected?: boolean;
  /** The kinds that were detected out of sync. */
  out_of_sync?: string[];
  /** Warnings about resources, by kind and name. */
  warnings?: Record<string, Record<string, string[]>>;
  resources?: ResourceResult[];
  removed?: ResourceResult[];
  /** The host rolls back what was changed so far, unless event `confirmed` follows. */
  armed?: boolean;
  /** The names of the owner's resources that are not declared. */
  undeclared?: string[];
  /** The names of resources that are no longer declared, and whose removal deletes their data. */
  data_loss?: string[];
  /** Why the host would not remove resources that are no longer declared, by name. */
  removal_blockers?: Record<string, string>;
  recap?: Record<string, Recap>;
}

/** How many of a host's tasks ended how. */
export interface Recap {
  ok: number;
  changed: number;
  unreachable: number;
  failed: number;
}

/** How a run ended. `output` is what Ansible printed; as in the events, all texts of it may be printed. */
export interface Run {
  code: number | null;
  events: Event[];
  output: string;
}

/** How long one run may take, and how long it then has to end by itself. */
const TIME_LIMIT_MS = 60 * 60_000;
const GRACE_MS = 20_000;

/** The descriptors of Ansible by which it reports events, and of the text that it is given. */
const EVENTS = 3;
const GIVEN = 4;

/** One run of site.yml for one host. */
export function runPlaybook(inventory: string, host: string, request: Request): Promise<Run> {
  const site = join(packageRoot, "ansible", "site.yml");
  return runOn(inventory, host, site, JSON.stringify(request), (file) => JSON.stringify({ homelab_request_file: file }));
}

/**
 * One run of a playbook for one host. It is given a text in a file without a name, never on a command line; `variables`
 * are the extra variables that lead to the path by which Ansible opens it.
 */
export async function runOn(
  inventory: string,
  host: string,
  playbook: string,
  given: string,
  variables: (file: string) => string,
): Promise<Run> {
  assertMayChange(host);
  const sshConfig = join(resolve(inventory), "ssh_config");
  await checkStrictness(sshConfig, host);
  return inFolder(async (folder) => {
    const file = unnamedFile(folder, given);
    const connection = JSON.stringify({ ansible_ssh_common_args: commandLine(["-F", sshConfig]) });
    // The host is named beside the inventory, so that a removal also works for one that has left hosts.yml.
    const hosts = ["-i", join(resolve(inventory), "hosts.yml"), "-i", `${host},`, "--limit", host];
    const args = [...hosts, "--extra-vars", variables(`/dev/fd/${GIVEN}`), "--extra-vars", connection, playbook];
    return start(args, folder, { given: file }).finally(() => closeSync(file));
  });
}

/** A descriptor of a file that has a text and no name, so that nothing of it stays, however this program ends. */
function unnamedFile(folder: string, text: string): number {
  const path = join(folder, "given");
  const descriptor = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  writeFileSync(descriptor, text);
  return descriptor;
}

/** A run of Ansible with these arguments, with connections of its own. It ends with this program. */
export const startAlone = (args: string[], limitMs: number): Promise<Run> => inFolder((folder) => start(args, folder, { limitMs }));

/** A run with a private folder in the temporary one. */
async function inFolder(run: (folder: string) => Promise<Run>): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "homelab-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * `sockets` is a private folder for shared connections, so that each run checks the host's key again. Ansible gets the
 * descriptor `given` under the number GIVEN.
 */
function start(args: string[], sockets: string, { limitMs = TIME_LIMIT_MS, given }: { limitMs?: number; given?: number }): Promise<Run> {
  const program = ansibleProgram("ansible-playbook");
  const env = { ...ansibleEnvironment(), ANSIBLE_SSH_CONTROL_PATH_DIR: sockets, HOMELAB_EVENTS_FD: String(EVENTS) };
  return new Promise((done, fail) => {
    // A process group of its own, so that the time limit also ends the ssh that Ansible started.
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", "pipe", given ?? "ignore"];
    const child = spawn(program, args, { env, cwd: dirname(args.at(-1)!), stdio, detached: true });
    const events: Event[] = [];
    let output = "";
    const keep = (chunk: Buffer | string): void => void (output = (output + chunk.toString()).slice(-20_000));
    child.stdout!.on("data", keep);
    child.stderr!.on("data", keep);
    createInterface({ input: child.stdio[EVENTS] as Readable }).on("line", (line) => events.push(...parsed(line)));
    const timers = [
      setTimeout(() => {
        keep(`\nstopped: it took longer than ${limitMs / 60_000} minutes`);
        signal(child, "SIGTERM");
      }, limitMs),
      setTimeout(() => signal(child, "SIGKILL"), limitMs + GRACE_MS),
    ];
    child.on("error", (error) => fail(new UserError(`${program} cannot be started: ${error.message}. Run "npm run setup".`)));
    child.on("close", (code) => {
      timers.forEach(clearTimeout);
      done({ code, events, output: printable(output) });
    });
  });
}

/** The group, so that the ssh that Ansible started ends, too; it may have ended a moment ago. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** An event with its texts as they may be printed, since they come from a host. A process that is killed may leave half a line. */
function parsed(line: string): Event[] {
  try {
    return [printableIn(JSON.parse(line) as Event)];
  } catch {
    return [];
  }
}
