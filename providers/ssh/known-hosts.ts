import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { type HostConfig, keyName } from "./config";
import { UserError } from "../errors";

/** A host's public keys that may be trusted, and those that are revoked, each base64 as in known_hosts. */
export interface KnownKeys {
  trusted: { type: string; key: string }[];
  revoked: string[];
}

/** Looks a host up with ssh-keygen(1), which also finds hashed names. Throws when no key is known. */
export async function knownKeys(config: HostConfig): Promise<KnownKeys> {
  const files = config.knownHostsFiles.filter((file) => existsSync(file));
  const named = async (name: string): Promise<KnownKeys> =>
    parseKnownHosts((await Promise.all(files.map((file) => lookUp(name, file)))).join("\n"));
  const name = keyName(config);
  let keys = await named(name);
  // As OpenSSH does: a line for the host without its port counts for all its ports.
  if (keys.trusted.length === 0 && name.startsWith("[")) keys = await named(config.hostname);
  if (keys.trusted.length === 0) {
    throw new UserError(
      `${config.alias}: no host key is known for "${name}" in ${config.knownHostsFiles.join(", ")}. ` +
        `Nothing was sent to it. Get its key over a way you trust and add it there (certificates are not looked at).`,
    );
  }
  return keys;
}

/** Lines of known_hosts(5), as `ssh-keygen -F` prints them. */
export function parseKnownHosts(text: string): KnownKeys {
  const keys: KnownKeys = { trusted: [], revoked: [] };
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.trim() === "") continue;
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
    const [, type, key] = words;
    if (!type || !key) continue;
    if (marker === "@revoked") keys.revoked.push(key);
    else if (marker === undefined) keys.trusted.push({ type, key });
  }
  return keys;
}

/** The signature algorithms to offer: only those of keys that are known, so no other key can be shown. */
export function algorithmsFor(keys: KnownKeys): string[] {
  const types = keys.trusted.flatMap(({ type }) => (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type]));
  return [...new Set(types)];
}

/** Whether a key that a host shows is one of its known keys, and not revoked. */
export function isTrusted(keys: KnownKeys, shown: Buffer): boolean {
  const text = shown.toString("base64");
  return !keys.revoked.includes(text) && keys.trusted.some(({ key }) => key === text);
}

function lookUp(name: string, file: string): Promise<string> {
  return new Promise((done, fail) =>
    execFile("ssh-keygen", ["-F", name, "-f", file], { timeout: 20_000 }, (error, stdout) => {
      // Exit code 1 means that the name is not in the file.
      if (error && error.code !== 1) fail(new UserError(`ssh-keygen -F ${name} -f ${file}: ${error.message}`));
      else done(stdout);
    }),
  );
}
