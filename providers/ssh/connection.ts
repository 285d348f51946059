import { existsSync, readFileSync } from "node:fs";
import { type Duplex } from "node:stream";
import { type AgentAuthMethod, Client, type ConnectConfig, OpenSSHAgent, type ParsedKey, type PublicKeyAuthMethod, utils } from "ssh2";
import { CommandFailed, UserError } from "../errors";
import { type HostConfig, hostConfig } from "./config";
import { algorithmsFor, isTrusted, knownKeys } from "./known-hosts";
import { printable } from "../untrusted";
import { commandLine } from "./quote";

/** For the whole way to a login; where ConnectTimeout is set, three times that, since it is for a part of the way. */
const loginMs = ({ connectTimeout = 20 }: HostConfig): number => connectTimeout * 3000;
const COMMAND_MS = 300_000;

type AuthMethod = PublicKeyAuthMethod | AgentAuthMethod;

/** One connection per ssh_config and host, shared by all who ask while it lives. */
const connections = new Map<string, Promise<Client>>();

function connectionTo(file: string, alias: string): Promise<Client> {
  const key = JSON.stringify([file, alias]);
  const open = connections.get(key);
  if (open) return open;
  const fresh = connect(file, alias, () => connections.delete(key));
  connections.set(key, fresh);
  fresh.catch(() => connections.delete(key));
  return fresh;
}

/** Ends all connections: an open one keeps a program from ending. */
export async function closeConnections(): Promise<void> {
  const open = await Promise.allSettled(connections.values());
  for (const one of open) if (one.status === "fulfilled") one.value.end();
}

async function connect(file: string, alias: string, onClose: () => void): Promise<Client> {
  const config = await hostConfig(file, alias);
  const keys = await knownKeys(config);
  const sock = await tunnel(file, config);
  let refused = false;
  const settings: ConnectConfig = {
    host: config.hostname,
    port: config.port,
    username: config.user,
    authHandler: authentication(config) as never,
    ...(sock ? { sock } : {}),
    readyTimeout: loginMs(config),
    keepaliveInterval: 15_000,
    algorithms: { serverHostKey: algorithmsFor(keys) as never },
    // Checked before authentication: no key and no user name goes to a host that we do not know.
    hostVerifier: (shown: Buffer) => {
      refused = !isTrusted(keys, shown);
      return !refused;
    },
  };
  return new Promise((done, fail) => {
    const client = new Client();
    client.on("ready", () => done(client));
    client.on("error", (error) => fail(new UserError(whyNot(config, error, refused))));
    client.on("close", () => {
      onClose();
      fail(new UserError(`${alias}: the connection was closed before it was ready.`));
    });
    client.connect(settings);
  });
}

function whyNot(config: HostConfig, error: Error, refused: boolean): string {
  const where = `${config.alias} (${config.user}@${config.hostname}:${config.port})`;
  const otherKey = refused || /no matching host key/i.test(error.message);
  if (otherKey) {
    return `${where}: its host key is not the one in ${config.knownHostsFiles.join(", ")}; rejected before the login. If the host was really reinstalled, replace its line there.`;
  }
  return `${where}: ${printable(error.message)}`;
}

/** A stream to the host through its last jump host, whose connection is shared too. */
async function tunnel(file: string, config: HostConfig): Promise<Duplex | undefined> {
  const jump = config.jumps.at(-1);
  if (jump === undefined) return undefined;
  if (config.jumps.length > 1 || /[@:]/.test(jump)) {
    throw new UserError(`${config.alias}: write ProxyJump as one Host of ssh_config; that host may have a ProxyJump itself.`);
  }
  const client = await connectionTo(file, jump);
  return new Promise((done, fail) =>
    client.forwardOut("127.0.0.1", 0, config.hostname, config.port, (error, stream) =>
      error ? fail(new UserError(`${config.alias}: cannot be reached through ${jump}: ${printable(error.message)}`)) : done(stream),
    ),
  );
}

/** Throws what would keep a connection from being tried: settings, no known host key, no key to log in with. */
export async function checkWay(file: string, alias: string): Promise<void> {
  const config = await hostConfig(file, alias);
  await knownKeys(config);
  authentication(config);
}

/** Each key that can be used, then the agent, which also holds the encrypted ones. */
function authentication(config: HostConfig): AuthMethod[] {
  const files = config.identityFiles.filter((path) => existsSync(path));
  const keys = files.map((path) => utils.parseKey(readFileSync(path))).filter((key) => !(key instanceof Error) && key.isPrivateKey());
  const methods: AuthMethod[] = keys.map((key) => ({ type: "publickey", username: config.user, key: key as ParsedKey }));
  if (config.agent) methods.push({ type: "agent", username: config.user, agent: agentFor(config, config.agent) });
  if (methods.length > 0) return methods;
  throw new UserError(
    `${config.alias}: no key without a passphrase in ${config.identityFiles.join(", ")}, and no SSH agent; ` +
      "name your key as IdentityFile in ssh_config, or start an agent and run ssh-add.",
  );
}

/** With IdentitiesOnly, an agent's other keys are not offered: a host ends a login after some keys that it does not know. */
function agentFor({ identitiesOnly, identityFiles }: HostConfig, socket: string): string | OpenSSHAgent {
  // OpenSSH finds an encrypted key's public part beside it.
  const files = identityFiles.flatMap((path) => [`${path}.pub`, path]).filter((path) => existsSync(path));
  const keys = files.map((path) => utils.parseKey(readFileSync(path))).filter((key): key is ParsedKey => !(key instanceof Error));
  return identitiesOnly && keys.length > 0 ? new AgentOf(socket, keys) : socket;
}

class AgentOf extends OpenSSHAgent {
  constructor(
    socket: string,
    private readonly keys: ParsedKey[],
  ) {
    super(socket);
  }

  override getIdentities(done: Parameters<OpenSSHAgent["getIdentities"]>[0]): void {
    super.getIdentities((error, held) =>
      done(
        error,
        held?.filter((one) => this.keys.some((key) => key.getPublicSSH().equals((one as ParsedKey).getPublicSSH()))),
      ),
    );
  }
}

/** Runs one command as root on a host, with a text as its standard input, and gives back what it printed, as it came. */
export const runAsRoot = (file: string, alias: string, argv: readonly string[], stdin: string): Promise<string> =>
  run(file, alias, commandLine(["sudo", "-n", ...argv]), stdin);

/** Gives a request to the one program that a login which can only look runs, whatever it asks for. */
export const runReader = (file: string, alias: string, request: string): Promise<string> => run(file, alias, "homelab-read", request);

async function run(file: string, alias: string, command: string, stdin: string): Promise<string> {
  const client = await connectionTo(file, alias);
  return new Promise((done, fail) => {
    const text = (reason: string, ...outputs: string[]): string =>
      printable([`${alias}: ${reason}: ${command}`, ...outputs.map((one) => one.trim())].filter(Boolean).join("\n"));
    const failed = (reason: string, stderr = ""): void => fail(new UserError(text(reason, stderr)));
    client.exec(command, (error, channel) => {
      if (error) return failed(error.message);
      let stdout = "";
      let stderr = "";
      const timer = setTimeout(() => {
        failed(`no end after ${COMMAND_MS / 1000} s`, stderr);
        channel.close();
      }, COMMAND_MS);
      channel.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      channel.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      channel.on("close", (code?: number | null) => {
        clearTimeout(timer);
        if (code === 0) done(stdout);
        else if (code == null) failed("the connection broke", stderr);
        else fail(new CommandFailed(text(`exit code ${code}`, stderr, stdout), code, printable(stderr.trim())));
      });
      channel.end(stdin);
    });
  });
}
