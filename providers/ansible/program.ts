import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export const packageRoot = resolve(__dirname, "../..");

/** Settings of the environment that would stand before ansible.cfg's in how a host is reached, or leave modules on it. */
const NOT_INHERITED = /^ANSIBLE_(SSH_|HOST_KEY_CHECKING|PIPELINING|REMOTE_|PRIVATE_KEY|BECOME|KEEP_REMOTE_FILES|DEBUG)/;

/** One of Ansible's programs: the project's own, else the one on the path. */
export function ansibleProgram(name: string): string {
  const own = join(packageRoot, ".venv", "bin", name);
  return existsSync(own) ? own : name;
}

/** The environment in which Ansible runs: the user's, with our configuration. */
export function ansibleEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
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
