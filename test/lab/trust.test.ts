// Hosts that are not who they should be, or do not answer: nothing is sent to them, and the state keeps everything.
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { type Lab } from "./lab";
import { text } from "./look";
import { stateDir, sshPort } from "./paths";
import { configured, edit, inventory, playbook, stack } from "./project";
import { run } from "./run";

jest.setTimeout(1_800_000);

const file = join(inventory, "ssh_config");
const knownHosts = join(inventory, "known_hosts");

let lab: Lab;
let config: string;
let state: unknown[];

/** Every resource in state with what is known of it; times and traces of the program are left out. */
async function exported(): Promise<unknown[]> {
  const { deployment } = JSON.parse((await stack(["stack", "export"])).output) as {
    deployment: { resources: { id?: string; inputs?: object; outputs?: object }[] };
  };
  const custom = deployment.resources.filter(({ id }) => id !== undefined);
  // A refresh may write them in another order.
  return custom.map(({ id, inputs, outputs }) => ({ id, inputs, outputs })).sort((a, b) => (a.id! < b.id! ? -1 : 1));
}

beforeAll(async () => {
  lab = await configured();
  config = readFileSync(file, "utf8");
  state = await exported();
  // Something for up to do.
  edit("host_vars/hv.yml", "devices reach nothing on this host", "devices reach nothing");
  edit("host_vars/app.yml", "the page is for its own VLAN", "the page is for its VLAN");
});

afterAll(() => lab.reset());

/** Sees what each command says that must fail, and that the state still holds everything. */
async function refused(said: RegExp, ...commands: string[][]): Promise<void> {
  for (const args of commands) {
    const done = args[0] === "playbook" ? await playbook(...args.slice(1)) : await stack(args);
    const output = "stdout" in done ? done.stdout : done.output;
    expect([args[0], done.code, output]).toEqual([args[0], expect.any(Number), expect.stringMatching(said)]);
    expect(done.code).not.toBe(0);
  }
  expect(await exported()).toEqual(state);
}

const REFRESH = ["refresh", "--yes"];
const UP = ["up", "--yes", "--skip-preview"];
const DESTROY = ["destroy", "--yes", "--skip-preview"];

/** Where a host's journal ends, by the lab's open connection. */
const now = async (host: "hv" | "app"): Promise<string> => (await text(host, "journalctl -q -n 0 --show-cursor | cut -d' ' -f3")).trim();

/** What sshd says of logins and attempts on a host since then, by the same connection. */
const attempts = (host: "hv" | "app", since: string): Promise<string> =>
  text(
    host,
    `journalctl -q -o cat -t sshd -t sshd-session -t sshd-auth --after-cursor='${since}' | grep -E 'Accepted|Failed|authenticating|Invalid' || true`,
  );

/** The keys that the lab's hosts are known by, or others. */
async function know(keys: { hv?: string; app?: string }): Promise<void> {
  writeFileSync(
    knownHosts,
    Object.entries(keys)
      .map(([host, key]) => `${host} ${key}\n`)
      .join(""),
  );
  writeFileSync(file, config.replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${knownHosts}`));
}

async function realKeys(): Promise<{ hv: string; app: string }> {
  const { stdout } = await run(["cat", join(stateDir, "known_hosts")]);
  const lines = Object.fromEntries(stdout.split("\n").map((line) => [line.split(" ")[0], line.split(" ").slice(1).join(" ")]));
  return { hv: lines["hv"]!, app: lines["app"]! };
}

test.each(["unknown", "changed"])("a host whose key is %s gets no login, in refresh, up and plain Ansible", async (which) => {
  const key = which === "changed" ? { hv: (await realKeys()).app } : {};
  await know(key);
  const since = await now("hv");
  await refused(/no host key is known for|host key is not the one in|Host key verification failed/, REFRESH, UP, ["playbook"]);
  expect(await attempts("hv", since)).toBe("");
});

test("a guest with another key gets no login, though its jump host is right", async () => {
  const real = await realKeys();
  await know({ hv: real.hv, app: real.hv });
  const since = await now("app");
  await refused(/app[^\n]*host key is not the one in/, REFRESH);
  await refused(/app[^]*Host key verification failed/, ["playbook", "--limit", "guests", "-e", "ansible_ssh_retries=0"]);
  expect(await attempts("app", since)).toBe("");
});

test("a host that refuses connections keeps everything in state", async () => {
  writeFileSync(file, config.replace(`Port ${sshPort}`, "Port 1"));
  await refused(/(hv|app)[^]*(ECONNREFUSED|Connection refused|Connection closed)/, REFRESH, UP, DESTROY);
});

test("a host that takes connections and says nothing is given up on", async () => {
  const sockets: { destroy: () => void }[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const impatient = config.replace("ConnectTimeout 10", "ConnectTimeout 3");
  writeFileSync(file, impatient.replace(`Port ${sshPort}`, `Port ${(server.address() as AddressInfo).port}`));
  await refused(/(hv|app)[^]*([Tt]imed out|Connection closed)/, REFRESH, DESTROY);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("when the host is back, everything goes on", async () => {
  writeFileSync(file, config);
  const done = await stack(["up", "--yes", "--skip-preview", "--refresh"]);
  expect([done.code, done.output]).toEqual([0, expect.stringMatching(/~ 2 updated/)]);
});
