// Logging in to the lab's machines: the real `ssh` with the real config.
import { join } from "node:path";
import { HostName, hostNames, sshConfig, stateDir } from "./paths";
import { Result, run, sleep } from "./run";

export interface SshOptions {
  /** Run as root. */
  sudo?: boolean;
  /** Text for the command's standard input. */
  input?: string;
  /** false: hand back a failing code instead of throwing. Default true. */
  check?: boolean;
  /** A login of its own instead of the shared connection. */
  fresh?: boolean;
  /** Default 300. */
  timeoutSeconds?: number;
}

/** Runs a shell command line on a machine. */
export function ssh(host: HostName, command: string, options: SshOptions = {}): Promise<Result> {
  const words = options.sudo ? ["sudo", "-n", "sh", "-c", quote(command)] : [command];
  const connection = options.fresh ? freshLogin : sharedLogin(host);
  return run([...login(connection), host, "--", ...words], {
    input: options.input,
    check: options.check,
    timeoutSeconds: options.timeoutSeconds ?? 300,
  });
}

/** Forgets the shared connections: they belong to a machine as it was before. */
export async function dropConnections(): Promise<void> {
  // app first: its connection goes through hv's.
  for (const host of [...hostNames].reverse()) {
    await run([...login(sharedLogin(host)), "-O", "exit", host], { check: false, timeoutSeconds: 5 });
  }
}

/** Waits until a new login works; throws when it does not within the time. */
export async function waitForLogin(host: HostName, seconds: number, alive: () => boolean): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const result = await setClock(host);
    if (result.code === 0) return;
    if (Date.now() > deadline || !alive()) throw new Error(`no SSH login on ${host}: ${result.stderr.trim()}`);
    await sleep(300);
  }
}

/** By a new login; a restored machine may have kept the time of its snapshot. */
export function setClock(host: HostName): Promise<Result> {
  const command = `date -u -s @${Math.round(Date.now() / 1000)}`;
  return ssh(host, command, { sudo: true, fresh: true, check: false, timeoutSeconds: 20 });
}

const login = (connection: string[]) => ["ssh", "-F", sshConfig, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", ...connection];

const freshLogin = ["-o", "ControlMaster=no", "-o", "ControlPath=none"];

// One connection for many commands: an emulated login takes a second or more.
function sharedLogin(host: HostName): string[] {
  return ["-o", "ControlMaster=auto", "-o", `ControlPath=${join(stateDir, `login-${host}`)}`, "-o", "ControlPersist=600"];
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
