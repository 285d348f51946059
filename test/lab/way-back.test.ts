// A change that keeps the operator out is taken back by the host itself; two applies never have a host at once.
import { type Lab } from "./lab";
import { footprint, page, text } from "./look";
import { changed, configured, edit, playbook, stack } from "./project";
import { sleep } from "./run";

jest.setTimeout(900_000);

let lab: Lab;
let before: string;

/** Rules, links, files and records of hv, all that a way back puts back. */
const standing = async (): Promise<string> =>
  (await footprint("hv")) +
  (await text("hv", "nft -s list ruleset; bridge vlan; ip -o -4 address | sed 's, *valid_lft.*,,'; md5sum /etc/homelab/nftables/*/*")) +
  (await text("hv", "find /var/lib/homelab -name '*.json' -not -path '*/.way-back/*' | sort | xargs md5sum"));

beforeAll(async () => {
  lab = await configured();
  before = await standing();
});

afterAll(() => lab.reset());

const RULE = 'iifname "iot" drop comment';
const BACK = /nobody could log in anew[^]*the host put itself back at [0-9:]+ UTC/;

/** All is as before, and nothing waits to be put back. */
async function asBefore(): Promise<void> {
  expect(await standing()).toBe(before);
  expect(await text("hv", "systemctl is-active homelab-way-back.timer; ls /var/lib/homelab/.way-back")).toBe("inactive\noutcome.json\n");
}

test("rules that refuse new logins: up says so, and keeps in state what the host holds", async () => {
  edit("host_vars/hv.yml", RULE, `tcp dport 22 ct state new drop\n        ${RULE}`);
  const done = await stack(["up", "--yes", "--skip-preview"]);
  expect([done.code, done.output]).toEqual([expect.any(Number), expect.stringMatching(BACK)]);
  expect(done.code).not.toBe(0);
  expect(done.output).toContain("table inet isolation");
  await asBefore();
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
  await asBefore();
  edit("host_vars/hv.yml", vlan, "\nnftables_tables:");
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

test("a machine that is reset while a change is unconfirmed comes up as it was, and runs all that is declared", async () => {
  edit("host_vars/hv.yml", RULE, `iifname "eth0" drop\n        ${RULE}`);
  const running = stack(["up", "--yes", "--skip-preview"]);
  // Nobody can look in from outside, so it is the console's turn.
  await cutOff();
  await lab.powerCycle("hv");
  await lab.waitForLogin("hv", 200);
  const done = await running;
  expect(done.code).not.toBe(0);
  await text("hv", "systemctl is-system-running --wait || true");
  await asBefore();
  expect(await text("hv", "journalctl -b -u homelab-way-back -o cat")).toMatch(/the host put itself back at .*isolation/);
  expect(await page("hv", "http://10.10.10.1:8080/")).toContain("Hello from hv");
  expect(await page("app", "http://10.10.10.1:8080/")).toContain("Hello from hv");
  edit("host_vars/hv.yml", 'iifname "eth0" drop\n        ', "");
  expect((await stack(["preview", "--refresh", "--expect-no-changes"])).code).toBe(0);
});

/** Waits until hv takes no new login. */
async function cutOff(): Promise<void> {
  for (let tries = 0; (await lab.ssh("hv", "true", { fresh: true, check: false, timeoutSeconds: 5 })).code === 0; tries += 1) {
    if (tries > 120) throw new Error("hv still lets everybody in");
    await sleep(1000);
  }
}
