// Logging in as OpenSSH would, at an SSH server of the test's own on loopback.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, Server, utils, type ParsedKey } from "ssh2";
import { runAsRoot } from "../../providers/ssh/connection";
import { checkStrictness } from "../../providers/ssh/config";

const folder = mkdtempSync(join(tmpdir(), "login-"));
const key = (name: string, passphrase = ""): string => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", join(folder, name)]);
  return join(folder, name);
};

let server: Server;
let agent: ChildProcess;
let port: number;
let attempts = 0;
const clients: Connection[] = [];
const socket = join(folder, "agent");

beforeAll(async () => {
  for (const name of ["host", "other", "good"]) key(name);
  key("locked", "a passphrase");
  const allowed = ["good", "locked"].map((name) => utils.parseKey(readFileSync(join(folder, `${name}.pub`))) as ParsedKey);
  server = new Server({ hostKeys: [readFileSync(join(folder, "host"))] }, (client) => {
    clients.push(client);
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      attempts += context.method === "none" ? 0 : 1;
      if (context.method !== "publickey") return context.reject(["publickey"]);
      const known = allowed.find((one) => one.getPublicSSH().equals(context.key.data));
      const proven = !context.signature || known?.verify(context.blob!, context.signature, context.hashAlgo) === true;
      return known && proven ? context.accept() : context.reject(["publickey"]);
    });
    client.on("session", (accept) =>
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.write(command);
        if (command.includes("fail")) channel.stderr.write("\u001b[2J<{%fg 1%}>\r\n");
        channel.exit(command.includes("fail") ? 1 : 0);
        channel.end();
      }),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  port = (server.address() as AddressInfo).port;
  writeFileSync(join(folder, "known_hosts"), `h ${readFileSync(join(folder, "host.pub"), "utf8")}`);
  agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  while (!existsSync(socket)) await new Promise((done) => setTimeout(done, 20));
  writeFileSync(join(folder, "askpass"), "#!/bin/sh\necho a passphrase\n", { mode: 0o700 });
  const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: join(folder, "askpass"), SSH_ASKPASS_REQUIRE: "force" };
  // The key that is let in is the agent's last.
  for (const name of ["other", "host", "locked"]) execFileSync("ssh-add", ["-q", join(folder, name)], { env, stdio: "ignore" });
});

afterAll(() => {
  agent.kill();
  for (const client of clients) client.end();
  server.close();
  rmSync(folder, { recursive: true });
});

let number = 0;

/** An ssh_config of its own, so that no connection is shared. */
function config(...lines: string[]): string {
  const file = join(folder, `config-${(number += 1)}`);
  const common = ["Host h", "HostName 127.0.0.1", `Port ${port}`, "HostKeyAlias h", "User operator", "GlobalKnownHostsFile none"];
  writeFileSync(file, [...common, `UserKnownHostsFile ${join(folder, "known_hosts")}`, ...lines].join("\n") + "\n");
  return file;
}

const identity = (name: string): string => `IdentityFile ${join(folder, name)}`;
const login = (...lines: string[]): Promise<string> => runAsRoot(config(...lines), "h", ["id", "a b"], "");

test.each<[string, string[]]>([
  ["one key", ["IdentityAgent none", identity("good")]],
  ["the second of two keys", ["IdentityAgent none", identity("other"), identity("good")]],
  ["an encrypted key that an agent holds", [`IdentityAgent ${socket}`, identity("locked")]],
  ["a key of which only the public part is named", [`IdentityAgent ${socket}`, identity("locked.pub")]],
])("with %s", async (_what, lines) => {
  expect(await login(...lines)).toBe("sudo -n id 'a b'");
});

test("what a failing command prints is shown, and does nothing to a terminal", async () => {
  const failed = runAsRoot(config("IdentityAgent none", identity("good")), "h", ["fail"], "");
  const shown = "\\x1b[2J<\\x7b%fg 1%}>";
  await expect(failed).rejects.toMatchObject({ stderr: shown, message: `h: exit code 1: sudo -n fail\n${shown}\nsudo -n fail` });
});

test("IdentitiesOnly keeps an agent's other keys back, which a host counts as tries", async () => {
  attempts = 0;
  await login(`IdentityAgent ${socket}`, identity("none"));
  const all = attempts;
  attempts = 0;
  await login(`IdentityAgent ${socket}`, identity("locked"), "IdentitiesOnly yes");
  expect([all > attempts, attempts]).toEqual([true, 2]);
});

test("without a key that can be used, nothing is tried, and the error names host and files", async () => {
  attempts = 0;
  await expect(login("IdentityAgent none", identity("locked"))).rejects.toThrow(
    `h: no key without a passphrase in ${join(folder, "locked")}, and no SSH agent; name your key as IdentityFile in ssh_config, or start an agent and run ssh-add.`,
  );
  expect(attempts).toBe(0);
});

test("an unknown host key ends it before any key is offered", async () => {
  attempts = 0;
  const known = join(folder, "known_hosts");
  const right = readFileSync(known, "utf8");
  writeFileSync(known, `h ${readFileSync(join(folder, "other.pub"), "utf8")}`);
  await expect(login("IdentityAgent none", identity("good"))).rejects.toThrow(/host key is not the one in .*known_hosts; rejected/);
  writeFileSync(known, "");
  await expect(login("IdentityAgent none", identity("good"))).rejects.toThrow(/no host key is known for "h"/);
  writeFileSync(known, right);
  expect(attempts).toBe(0);
});

test.each(["no", "accept-new", "off"])("StrictHostKeyChecking %s is refused, on the way to a host, too", async (value) => {
  const file = config("Host guest", "ProxyJump h", "Host h", `StrictHostKeyChecking ${value}`);
  await expect(checkStrictness(file, "guest")).rejects.toThrow(/h: ssh_config has StrictHostKeyChecking/);
});

test("a program that has looked at hosts with a reader's key ends, though its connections were shared", async () => {
  const inventory = join(folder, "inventory");
  for (const name of ["group_vars", "host_vars"]) mkdirSync(join(inventory, name), { recursive: true });
  writeFileSync(join(inventory, "hosts.yml"), "all: { hosts: { h: } }\n");
  writeFileSync(
    join(inventory, "group_vars/all.yml"),
    `homelab_owner: lab\nansible_ssh_common_args: "-F '{{ inventory_dir }}/ssh_config'"\n`,
  );
  writeFileSync(join(inventory, "ssh_config"), readFileSync(config()));
  const program = `require("ts-node/register/transpile-only");
    const host = { config: { name: "h" }, resources: new Map([["h/host/host", { spec: {} }]]) };
    require("./components/verify/look").lookAt(${JSON.stringify(inventory)}, [host]).then(({ events }) => console.log(JSON.stringify(events)))`;
  const env = { ...process.env, HOMELAB_READER_KEY: join(folder, "good") };
  const child = spawn(process.execPath, ["-e", program], { cwd: join(__dirname, "../.."), env, timeout: 30_000 });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const code = await new Promise((done) => child.on("close", done));
  expect([code, printed]).toEqual([0, expect.stringMatching(/h: the observers' answer cannot be read: homelab-read/)]);
}, 40_000);

test("plain Ansible shares no connection between two inventories that name the same address", () => {
  const ansible = join(__dirname, "../../ansible");
  const paths = ["a", "b"].map((name) => {
    const file = join(folder, name, "hosts.yml");
    mkdirSync(join(folder, name));
    const host = { homelab_owner: "lab", ansible_host: "127.0.0.1", ansible_port: 1, ansible_ssh_common_args: "-F none" };
    writeFileSync(file, JSON.stringify({ all: { hosts: { h: host } } }));
    const program = join(__dirname, "../../.venv/bin/ansible-playbook");
    const { stdout } = spawnSync(program, ["-vvv", "-i", file, "site.yml"], { cwd: ansible, encoding: "utf8" });
    return /ControlPath="?([^" ]+)/.exec(stdout)?.[1];
  });
  expect(paths).toEqual([expect.stringMatching(/-%C$/), expect.stringMatching(/-%C$/)]);
  expect(paths[0]).not.toBe(paths[1]);
});
