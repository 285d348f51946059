import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export const packageRoot = resolve(__dirname, "../..");

/**
 * Variables of the environment that change Ansible or the Python that runs it. They stand before ansible.cfg: they could
 * apply to this machine instead of a host, skip tasks, load other plugins or leave modules on a host.
 */
const CHANGES_ANSIBLE = /^(_?ANSIBLE_|PYTHON)/;

/** Those that a user may set: the vault's password, and files of the controller. */
const INHERITED = [
  "ANSIBLE_CHECK_MODE_MARKERS",
  "ANSIBLE_LOCAL_TEMP",
  "ANSIBLE_LOG_PATH",
  "ANSIBLE_VAULT_IDENTITY",
  "ANSIBLE_VAULT_IDENTITY_LIST",
  "ANSIBLE_VAULT_ID_MATCH",
  "ANSIBLE_VAULT_PASSWORD_FILE",
];

/** One of Ansible's programs: the project's own, else the one on the path. */
export function ansibleProgram(name: string): string {
  const own = join(packageRoot, ".venv", "bin", name);
  return existsSync(own) ? own : name;
}

/** The environment in which Ansible runs: the user's, with our configuration. */
export function ansibleEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !CHANGES_ANSIBLE.test(name) || INHERITED.includes(name));
  const passwordFile = process.env["ANSIBLE_VAULT_PASSWORD_FILE"];
  return {
    ...Object.fromEntries(inherited),
    // Ansible would take a relative path from its own folder.
    ...(passwordFile && !passwordFile.startsWith("~") ? { ANSIBLE_VAULT_PASSWORD_FILE: resolve(passwordFile) } : {}),
    ANSIBLE_CONFIG: join(packageRoot, "ansible", "ansible.cfg"),
    ANSIBLE_NOCOLOR: "1",
    ANSIBLE_FORCE_COLOR: "0",
  };
}

/** Returns the output of a program, from stdout or stderr; undefined when it cannot be started or fails. */
export function outputOf(program: string, ...args: string[]): Promise<string | undefined> {
  return new Promise((done) =>
    execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => done(error ? undefined : (stdout || stderr).trim())),
  );
}
