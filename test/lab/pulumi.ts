// Runs the real Pulumi CLI on the project, with a local file backend.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { vaultPassword } from "./paths";

export const projectRoot = resolve(__dirname, "../..");

/** How a run ended; `output` is what a user would have seen. */
export interface PulumiRun {
  code: number | null;
  output: string;
}

/** A run of pulumi that goes on; `done` says how it ends. */
export interface Running {
  pid: number;
  done: Promise<PulumiRun>;
}

/** Runs `pulumi <args>` in a project's folder; `show` also prints what it prints. */
export const pulumi = (args: string[], env: Record<string, string> = {}, show = false, folder = projectRoot): Promise<PulumiRun> =>
  startPulumi(args, env, show, folder).done;

/** Starts `pulumi <args>`. */
export function startPulumi(args: string[], env: Record<string, string>, show = false, folder = projectRoot): Running {
  mkdirSync(join(projectRoot, ".state"), { recursive: true, mode: 0o700 });
  const child = spawn(program(), args, {
    cwd: folder,
    env: { ...process.env, ...settings, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
    if (show) process.stdout.write(chunk);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const done = new Promise<PulumiRun>((ended, fail) => {
    child.on("error", fail);
    child.on("close", (code) => ended({ code, output }));
  });
  return { pid: child.pid!, done };
}

// The lab holds no secret of anyone, so its passphrase is empty and its vault's password is known. Types are checked in CI, not at each run.
const settings = {
  PULUMI_CONFIG_PASSPHRASE: "",
  ANSIBLE_VAULT_PASSWORD_FILE: vaultPassword,
  PULUMI_SKIP_UPDATE_CHECK: "true",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  TS_NODE_TRANSPILE_ONLY: "true",
};

function program(): string {
  const home = process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi");
  const own = join(home, "versions", "3.250.0", "bin", "pulumi");
  return existsSync(own) ? own : "pulumi";
}
