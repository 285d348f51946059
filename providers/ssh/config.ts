import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../errors";
import { READER, readerKey } from "./reader";

const run = promisify(execFile);

/** OpenSSH's own settings for a host (`ssh -G`), as far as we use them, ssh_config(5). */
export interface HostConfig {
  alias: string;
  hostname: string;
  port: number;
  user: string;
  hostKeyAlias: string | undefined;
  /** ConnectTimeout, in seconds. */
  connectTimeout: number | undefined;
  identityFiles: string[];
  /** An agent offers no other keys than those of `identityFiles`. */
  identitiesOnly: boolean;
  /** The agent's socket; undefined when there is none, or it is not to be asked. */
  agent: string | undefined;
  knownHostsFiles: string[];
  /** The jump hosts before this one, first to last. */
  jumps: string[];
}

/** A setting of ssh_config(5) that may only have some values, and what to do about others. */
interface Rule {
  name: string;
  allowed: string[];
  todo: string;
}

const OFF = ["no", "false"];
/** A host is known by a key in known_hosts alone, on both routes; test/providers/ssh.test.ts has the settings that are no matter of that. */
const RULES: Rule[] = [
  { name: "ProxyCommand", allowed: ["none"], todo: "use ProxyJump, which previews and refreshes can follow" },
  { name: "StrictHostKeyChecking", allowed: ["yes", "true", "ask"], todo: "a host's key has to be known beforehand: set yes" },
  { name: "KnownHostsCommand", allowed: ["none"], todo: "keys come from known_hosts alone: add the host's key there, and remove it" },
  // `ask` only shows what the name server has.
  { name: "VerifyHostKeyDNS", allowed: [...OFF, "ask"], todo: "a name server cannot vouch for a host's key: set no" },
  {
    name: "NoHostAuthenticationForLocalhost",
    allowed: OFF,
    todo: "a forwarded port is another host's: set no, and add its key to known_hosts",
  },
  // Of Debian's OpenSSH: the host proves itself to Kerberos, and its key is not compared.
  { name: "GSSAPIKeyExchange", allowed: OFF, todo: "a host is known by its key, not by Kerberos: set no" },
  {
    name: "RevokedHostKeys",
    allowed: ["none"],
    todo: "previews and refreshes cannot read it: write the keys as @revoked lines of known_hosts",
  },
];

/** Asks OpenSSH for a host's settings. Throws when the file is bad or uses what ssh2 cannot do. */
export async function hostConfig(file: string, alias: string): Promise<HostConfig> {
  const { stdout } = await run("ssh", ["-F", file, "-G", "--", alias], { timeout: 20_000 }).catch((error: Error & { stderr?: string }) => {
    throw new UserError(`${alias}: OpenSSH cannot read ${file}: ${error.stderr?.trim() || error.message}`);
  });
  return asReader(parseConfig(alias, stdout));
}

/** The same host with the login that can only look, where that is asked for. */
function asReader(config: HostConfig): HostConfig {
  const key = readerKey();
  return key === undefined ? config : { ...config, user: READER, identityFiles: [homeOf(key)], identitiesOnly: true, agent: undefined };
}

/** The output of `ssh -G`: lines of a lower-case key and its value; some keys come several times. */
export function parseConfig(alias: string, text: string): HostConfig {
  const settings = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [key, ...value] = line.trim().split(" ");
    if (key) settings.set(key, [...(settings.get(key) ?? []), value.join(" ")]);
  }
  const one = (key: string): string | undefined => settings.get(key)?.[0];
  for (const { name, allowed, todo } of RULES) {
    const value = one(name.toLowerCase());
    if (value && !allowed.includes(value)) throw new UserError(`${alias}: ssh_config has ${name} ${value}; ${todo}.`);
  }
  const jump = one("proxyjump");
  const files = `${one("userknownhostsfile") ?? ""} ${one("globalknownhostsfile") ?? ""}`;
  return {
    alias,
    hostname: one("hostname") ?? alias,
    port: Number(one("port") ?? 22),
    user: one("user") ?? "root",
    hostKeyAlias: one("hostkeyalias"),
    connectTimeout: Number(one("connecttimeout")) || undefined,
    identityFiles: (settings.get("identityfile") ?? []).map(homeOf),
    identitiesOnly: one("identitiesonly") === "yes",
    agent: agentOf(one("identityagent")),
    knownHostsFiles: files
      .split(" ")
      .filter((name) => name && name !== "none")
      .map(homeOf),
    jumps: jump && jump !== "none" ? jump.split(",") : [],
  };
}

/** The name under which known_hosts lists a host: its alias, or `[name]:port` off port 22, sshd(8). */
export function keyName(config: HostConfig): string {
  if (config.hostKeyAlias) return config.hostKeyAlias;
  return config.port === 22 ? config.hostname : `[${config.hostname}]:${config.port}`;
}

const homeOf = (path: string): string => path.replace(/^~(?=\/)/, process.env["HOME"] ?? "~");

/** IdentityAgent of ssh_config(5): a path, the name of a variable, `none`, or the usual variable. */
function agentOf(setting: string | undefined): string | undefined {
  if (setting === "none") return undefined;
  if (setting === undefined || setting === "SSH_AUTH_SOCK") return process.env["SSH_AUTH_SOCK"] || undefined;
  return setting.startsWith("$") ? process.env[setting.slice(1)] : homeOf(setting);
}

/** Throws when a host, or one on the way to it, may be logged into without knowing its key. */
export async function checkStrictness(file: string, alias: string): Promise<void> {
  const { jumps } = await hostConfig(file, alias);
  for (const jump of jumps) await checkStrictness(file, jump.replace(/^.*@/, "").replace(/:\d+$/, ""));
}
