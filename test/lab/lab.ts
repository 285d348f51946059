// The disposable lab: `hv`, a Debian 13 hypervisor, and `app`, a machine
// behind its trunk port.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Image, ensureImage, recipeHash } from "./image";
import { destroyDisks, ensureKeys, writeSeed } from "./keys";
import { withLock } from "./lock";
import { HostName, Machine, hostNames, hostPort, machines, stateDir } from "./paths";
import { checkPorts, chooseAccelerator, createDisk, runningPid, startMachine, stopMachine } from "./qemu";
import { loadSnapshot, qmp, saveSnapshot } from "./qmp";
import { Result, lastLines, say, sleep, step } from "./run";
import { SshOptions, dropConnections, setClock, ssh, waitForLogin } from "./ssh";

export interface Lab {
  /** Back to the state right after the first boot. */
  reset(): Promise<void>;
  /** Saves both machines, memory and disk, under a name. */
  save(name: string): Promise<void>;
  /** Brings both machines back to a saved state. */
  restore(name: string): Promise<void>;
  /** Runs a shell command line on a machine. */
  ssh(host: HostName, command: string, options?: SshOptions): Promise<Result>;
  /** Resets a machine the hard way, as a power failure would. */
  powerCycle(host: HostName): Promise<void>;
  /** Pulls the cable by which hv is reached, or puts it in again. */
  plug(connected: boolean): Promise<void>;
  /** Waits until a new SSH login works. */
  waitForLogin(host: HostName, seconds?: number): Promise<void>;
  /** The port on 127.0.0.1 that leads to this port of hv. */
  port(port: number): number;
  down(): Promise<void>;
}

export const labInstance: Lab = {
  reset: () => restore("clean"),
  save,
  restore: async (name) => {
    await restore(name);
    // By a new login through hv; app's clock stands at the hour of the snapshot, too.
    await setClock("app");
    // Its uptime does not, so that its lease may be about to end, or ended.
    await ssh("app", "networkctl renew eth0.10", { sudo: true, check: false });
  },
  ssh,
  powerCycle,
  plug: async (connected) => void (await qmp(machines.hv.qmp, (execute) => execute("set_link", { name: "management", up: connected }))),
  waitForLogin: login,
  port: hostPort,
  down,
};
const both = hostNames.map((name) => machines[name]);
const clean = "clean";
const stopped = "stopped";
const recipeFile = join(stateDir, "recipe");
const bootSeconds = 600;

/** Builds and boots what is not there yet. A running lab is taken as it is. */
export async function ensureLab(): Promise<Lab> {
  if (process.platform !== "linux") throw new Error("the lab needs Linux");
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  await withLock(join(stateDir, "lock"), async () => {
    if (!isUp()) await bringUp();
  });
  return labInstance;
}

/** Whether nobody stopped a machine that does not run. */
const hasDied = (machine: Machine): boolean => existsSync(machine.pid) && runningPid(machine) === undefined;

export const isUp = () => both.every((machine) => runningPid(machine) !== undefined);

async function bringUp(): Promise<void> {
  for (const machine of both) if (hasDied(machine)) say(`${machine.name} had ended by itself: ${endOf(machine.log, 3)}`);
  await stopAll();
  const image = await ensureImage();
  const accelerator = await chooseAccelerator(image);
  await checkPorts();
  const kept =
    both.every((machine) => existsSync(machine.disk)) && existsSync(recipeFile) && readFileSync(recipeFile, "utf8") === recipeHash();
  if (kept && (await resume(image, accelerator))) return;
  await step(`booting hv and app with ${accelerator.split(",")[0]} (${accelerator === "kvm" ? 10 : 45} s)`, () =>
    firstBoot(image, accelerator),
  );
}

/** Goes on where `down` left off; false when that state cannot be loaded. */
async function resume(image: Image, accelerator: string): Promise<boolean> {
  try {
    await step("going on where the lab was stopped (5 s)", async () => {
      await start(image, accelerator, stopped);
      await login("hv", 30);
      // app's clock stands at the hour of the stop; before hv is set up nobody can reach it.
      await setClock("app");
    });
    return true;
  } catch (error) {
    // Another QEMU, another processor, or this machine went down under it.
    say(`that failed, so the lab is recreated (${(error as Error).message.split("\n").pop()})`);
    await stopAll();
    return false;
  }
}

async function firstBoot(image: Image, accelerator: string): Promise<void> {
  destroyDisks();
  await ensureKeys();
  for (const machine of both) {
    await writeSeed(machine);
    await createDisk(machine, image);
  }
  await start(image, accelerator);
  await login("hv", bootSeconds);
  await loginPrompt(machines.app);
  await ssh("hv", "systemctl is-system-running --wait", { check: false });
  await save(clean);
  writeFileSync(recipeFile, recipeHash());
}

async function start(image: Image, accelerator: string, snapshot?: string): Promise<void> {
  // hv first: it holds the other end of app's cable.
  for (const machine of both) await startMachine(machine, image, accelerator, snapshot);
}

async function login(host: HostName, seconds = bootSeconds): Promise<void> {
  const machine = machines[host];
  try {
    await waitForLogin(host, seconds, () => runningPid(machine) !== undefined);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${consoleEnd(machine)}`);
  }
}

/** app has no address yet, but its console says when it is up. */
async function loginPrompt(machine: Machine): Promise<void> {
  for (let tries = 0; !/ login: /.test(readFileSync(machine.console, "utf8")); tries += 1) {
    if (tries > bootSeconds || !runningPid(machine)) throw new Error(`${machine.name} did not boot\n${consoleEnd(machine)}`);
    await sleep(1000);
  }
}

const consoleEnd = ({ console }: Machine): string => `The end of its console (${console}):\n${endOf(console, 15)}`;

const endOf = (file: string, lines: number): string => (existsSync(file) ? lastLines(readFileSync(file, "utf8"), lines) : "");

async function save(name: string): Promise<void> {
  await whilePaused((machine) => saveSnapshot(machine.qmp, name));
}

async function restore(name: string): Promise<void> {
  await dropConnections();
  await whilePaused((machine) => loadSnapshot(machine.qmp, name));
  await login("hv");
}

/** Both machines stand still together, so that neither misses what the other did. */
async function whilePaused(work: (machine: Machine) => Promise<void>): Promise<void> {
  for (const machine of both) await qmp(machine.qmp, (execute) => execute("stop"));
  // Every machine's part ends before any goes on, whether it went well or not.
  const results = await Promise.allSettled(both.map(work));
  for (const machine of both) await qmp(machine.qmp, (execute) => execute("cont"));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function powerCycle(host: HostName): Promise<void> {
  await dropConnections();
  await qmp(machines[host].qmp, (execute) => execute("system_reset"));
}

/** Stops the lab; `ensureLab` later goes on from here. */
async function down(): Promise<void> {
  await dropConnections();
  await withLock(join(stateDir, "lock"), async () => {
    if (isUp()) await save(stopped);
    await stopAll();
  });
}

async function stopAll(): Promise<void> {
  for (const machine of both) await stopMachine(machine);
}
