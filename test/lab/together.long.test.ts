// Two applies at once on one host, in five pairings: the first goes on, the other waits, or is refused with the first one's name.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab } from "./lab";
import { text } from "./look";
import { changed, configured, edit, good, inventory, playbook, playbookOf, stack, stackOf } from "./project";
import { sleep } from "./run";

jest.setTimeout(1_800_000);

let lab: Lab;

/** Another owner's inventory for the same host: a table of its own. */
const others = join(inventory, "../others");

function otherTable(port: number): void {
  const unit = JSON.stringify({ nftables_tables: [{ family: "inet", name: "theirs", content: `chain c { tcp dport ${port} drop; }` }] });
  writeFileSync(join(others, "host_vars/hv.yml"), unit);
}

/** A unit of ours that takes its time to start. */
const slow = (name: string): string => `
  - user: web
    name: ${name}.container
    sections:
      Container: { Image: web.image, Exec: sleep 3600, Network: none }
      Service: { ExecStartPre: /usr/bin/sleep 60, TimeoutStartSec: 300, TimeoutStopSec: 2 }
      Install: { WantedBy: default.target }
`;

const addSlow = (name: string): void => edit("host_vars/hv.yml", "\nquadlet_units:\n", `\nquadlet_units:${slow(name)}`);

/** Waits until a run has hv. */
async function held(): Promise<void> {
  while ((await text("hv", "cat /run/homelab/lock || true")) === "") await sleep(1000);
}

const wait = (seconds: number): void => {
  const file = join(others, "group_vars/all.yml");
  const rest = readFileSync(file, "utf8").replace(/^homelab_lock_timeout: .*\n/m, "");
  writeFileSync(file, `${rest}homelab_lock_timeout: ${seconds}\n`);
};

beforeAll(async () => {
  lab = await configured();
  cpSync(inventory, others, { recursive: true });
  writeFileSync(join(others, "host_vars/app.yml"), "---\n");
  writeFileSync(
    join(others, "group_vars/all.yml"),
    readFileSync(join(others, "group_vars/all.yml"), "utf8").replace("owner: lab", "owner: others"),
  );
  otherTable(1);
  await good(stackOf("others", ["stack", "init"]));
});

afterAll(() => lab.reset());

const theirPort = async (): Promise<string | undefined> => /dport (\d+)/.exec(await text("hv", "nft list table inet theirs || true"))?.[1];

test("while up has the host: a playbook is refused with its name, another stack's up waits", async () => {
  addSlow("first");
  const up = stack(["up", "--yes", "--skip-preview"]);
  await held();
  wait(1);
  const refused = await playbookOf(others, "--limit", "hv");
  expect(refused.stdout).toMatch(
    /The host is locked by another apply \(\S+@\S+, pulumi \(process \d+\), since [0-9:]+ UTC\)\. Nothing was changed/,
  );
  expect([refused.code, await theirPort()]).toEqual([2, undefined]);
  wait(300);
  const waiting = await good(stackOf("others", ["up", "--yes", "--skip-preview"]));
  expect(waiting.output).toMatch(/\+ \d created/);
  expect((await good(up)).output).toMatch(/\+ 1 created/);
  expect(await theirPort()).toBe("1");
});

test("while a playbook has the host: another stack's up is refused with its name, a playbook and a destroy wait", async () => {
  addSlow("second");
  const first = playbook("--limit", "hv");
  await held();
  otherTable(2);
  wait(1);
  const refused = await stackOf("others", ["up", "--yes", "--skip-preview"]);
  expect(refused.output).toMatch(/The host is locked by another apply \(\S+@\S+, ansible-playbook \(process \d+\)/);
  expect([refused.code === 0, await theirPort()]).toEqual([false, "1"]);
  wait(300);
  const [second, destroyed] = await Promise.all([
    playbookOf(others, "--limit", "hv"),
    stackOf("others", ["destroy", "--yes", "--skip-preview"]),
  ]);
  expect((await first).code).toBe(0);
  expect([second.code, destroyed.code]).toEqual([0, 0]);
  expect(
    await text("hv", "systemctl --user -M web@ is-active first.service second.service; test -e /run/homelab/lock || echo released"),
  ).toBe("active\nactive\nreleased\n");
  expect((await good(stack(["up", "--yes", "--skip-preview"]))).output).toMatch(/\+ 1 created/);
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});
