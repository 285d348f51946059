// A change that keeps the operator out is taken back by the host itself, a reset in between or not, and its rules stand by themselves.
import { type Lab } from "./lab";
import { page, text } from "./look";
import { changed, configured, edit, playbook, stack } from "./project";
import { sleep } from "./run";
import { RULE, expectAsBefore, expectAtWork, standing } from "./standing";

jest.setTimeout(1_800_000);

let lab: Lab;
let before: string;

beforeAll(async () => {
  lab = await configured();
  before = await standing("hv");
});

afterAll(() => lab.reset());

const BACK = /No new SSH login succeeded[^]*the host rolled back at [0-9:]+ UTC/;

test("rules that refuse new logins: up says so, and keeps in state what the host holds", async () => {
  edit("host_vars/hv.yml", RULE, `tcp dport 22 ct state new drop\n        ${RULE}`);
  const done = await stack(["up", "--yes", "--skip-preview"]);
  expect([done.code, done.output]).toEqual([expect.any(Number), expect.stringMatching(BACK)]);
  expect(done.code).not.toBe(0);
  expect(done.output).toContain("table inet isolation");
  await expectAsBefore(before);
  // The change is still what is wanted, and shown again; without it there is nothing to do.
  expect((await stack(["preview", "--refresh"])).output).toMatch(/~ 1 to update/);
  edit("host_vars/hv.yml", "tcp dport 22 ct state new drop\n        ", "");
  expect((await stack(["preview", "--refresh", "--expect-no-changes"])).code).toBe(0);
});

test("a VLAN that takes the operator's own network: plain Ansible says so, and the link is gone again", async () => {
  const vlan = "  - { name: wrong, id: 30, bridge: br0, address: 10.0.2.2/24 }\n\nnftables_tables:";
  edit("host_vars/hv.yml", "\nnftables_tables:", vlan);
  const done = await playbook("--limit", "hv");
  expect([done.code, done.stdout]).toEqual([2, expect.stringMatching(BACK)]);
  expect(done.stdout).toContain("link wrong");
  await expectAsBefore(before);
  edit("host_vars/hv.yml", vlan, "\nnftables_tables:");
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

const routes = { up: () => stack(["up", "--yes", "--skip-preview"]), "plain Ansible": () => playbook("--limit", "hv") };

test.each(["up", "plain Ansible"] as const)(
  "a machine that is reset while a change by %s is unconfirmed comes up as it was, and runs all that is declared",
  async (route) => {
    edit("host_vars/hv.yml", RULE, `iifname "eth0" drop\n        ${RULE}`);
    const running = routes[route]();
    // Nobody can look in from outside, so it is the console's turn.
    await cutOff();
    await lab.powerCycle("hv");
    await lab.waitForLogin("hv");
    const done = await running;
    expect(done.code).not.toBe(0);
    await text("hv", "systemctl is-system-running --wait || true");
    await expectAsBefore(before);
    expect(await text("hv", "journalctl -b -u homelab-rollback -o cat")).toMatch(/the host rolled back at .*isolation/);
    expect(await page("hv", "http://10.10.10.1:8080/")).toContain("Hello from hv");
    expect(await page("app", "http://10.10.10.1:8080/")).toContain("Hello from hv");
    edit("host_vars/hv.yml", 'iifname "eth0" drop\n        ', "");
    expect((await stack(["preview", "--refresh", "--expect-no-changes"])).code).toBe(0);
    expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
  },
);

/** Waits until hv takes no new login. */
async function cutOff(): Promise<void> {
  for (let tries = 0; (await lab.ssh("hv", "true", { fresh: true, check: false, timeoutSeconds: 5 })).code === 0; tries += 1) {
    if (tries > 120) throw new Error("hv still lets everybody in");
    await sleep(1000);
  }
}

test("our rules stand when Debian's own service is started, reloaded and restarted, and go when it is stopped", async () => {
  for (const action of ["start", "reload", "restart"]) {
    // Forwarding goes off with the rules, and on after them.
    const forwards = "for i in $(seq 20); do grep -q 1 /proc/sys/net/ipv4/ip_forward && break; sleep 0.5; done";
    const tables = await text("hv", `systemctl ${action} nftables; ${forwards}; nft list tables; cat /proc/sys/net/ipv4/ip_forward`);
    expect([action, tables]).toEqual([action, expect.stringMatching(/table inet isolation\n[^]*1\n$/)]);
  }
  expect(await text("hv", "systemctl stop nftables; nft list tables; cat /proc/sys/net/ipv4/ip_forward")).toBe("0\n");
  // The base starts our own service again, which loads the tables.
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 1 });
  await expectAtWork();
});
