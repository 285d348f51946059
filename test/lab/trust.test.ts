// Hosts that are not who they should be, or refuse: nothing is sent to them, and the state keeps everything.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab } from "./lab";
import { now, text } from "./look";
import { stateDir, sshPort } from "./paths";
import { configured, inventory } from "./project";
import { DESTROY, REFRESH, UP, planChange, refused } from "./refused";
import { run } from "./run";

jest.setTimeout(1_800_000);

// Another try would end the same.
const PLAYBOOK = ["playbook", "-e", "ansible_ssh_retries=0"];
const file = join(inventory, "ssh_config");
const knownHosts = join(inventory, "known_hosts");

let lab: Lab;
let config: string;

beforeAll(async () => {
  lab = await configured();
  config = readFileSync(file, "utf8");
  planChange();
});

afterAll(() => lab.reset());

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
  await refused(/no host key is known for|host key is not the one in|Host key verification failed/, REFRESH, UP, PLAYBOOK);
  expect(await attempts("hv", since)).toBe("");
});

test("a guest with another key gets no login, though its jump host is right", async () => {
  const real = await realKeys();
  await know({ hv: real.hv, app: real.hv });
  const since = await now("app");
  await refused(/app[^\n]*host key is not the one in/, REFRESH);
  await refused(/app[^]*Host key verification failed/, [...PLAYBOOK, "--limit", "guests"]);
  expect(await attempts("app", since)).toBe("");
});

test("a host that refuses connections keeps everything in state", async () => {
  writeFileSync(file, config.replace(`Port ${sshPort}`, "Port 1"));
  await refused(/(hv|app)[^]*(ECONNREFUSED|Connection refused|Connection closed)/, REFRESH, UP, DESTROY);
});
