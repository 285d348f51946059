import { spawnSync } from "node:child_process";
import { openSync, closeSync, readSync } from "node:fs";
import { UserError } from "../errors";
import { ansibleEnvironment, ansibleProgram } from "./program";

/** The program, as a user can call it. */
export const ansibleVault = ansibleProgram("ansible-vault");

const HEADER = "$ANSIBLE_VAULT;";

/** The content of a vault's file, decrypted in memory with the user's password file. Throws a UserError with what to do. */
export function viewVault(file: string): string {
  if (beginningOf(file) !== HEADER) throw new UserError(`it is not encrypted; do that with: ${ansibleVault} encrypt ${file}`);
  const { ANSIBLE_VAULT_PASSWORD_FILE: password, ANSIBLE_VAULT_IDENTITY_LIST: identities } = process.env;
  if (!password && !identities) {
    throw new UserError("its password is needed: export ANSIBLE_VAULT_PASSWORD_FILE=<a file that holds it, or a program that prints it>");
  }
  const options = { env: ansibleEnvironment(), encoding: "utf8", timeout: 60_000, maxBuffer: 2 ** 28 } as const;
  const done = spawnSync(ansibleVault, ["view", file], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  if (done.error) throw new UserError(`${ansibleVault} cannot be started: ${done.error.message}. Run "npm run setup".`);
  if (done.status !== 0) throw new UserError(`it cannot be decrypted with ${password ?? identities}: ${done.stderr.trim()}`);
  return done.stdout;
}

function beginningOf(file: string): string {
  const descriptor = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(HEADER.length);
    readSync(descriptor, bytes);
    return bytes.toString("latin1");
  } finally {
    closeSync(descriptor);
  }
}
