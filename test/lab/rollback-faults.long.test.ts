// The rollback of a change that locks the operator out, while the host is in trouble: a full disk, a networkd that hangs, a unit that is off.
import { type Lab } from "./lab";
import { text } from "./look";
import { configured, edit, playbook, stack } from "./project";
import { sleep } from "./run";
import { RULE, expectAsBefore, standing } from "./standing";

jest.setTimeout(1_800_000);

let lab: Lab;
let before: string;

beforeAll(async () => {
  lab = await configured();
  before = await standing("hv");
});

afterAll(() => lab.reset());

const BACK = /the host rolled back at [0-9:]+ UTC/;
const LOCK_OUT = `tcp dport 22 ct state new drop\n        ${RULE}`;
const VLAN = "  - { name: wrong, id: 30, bridge: br0, address: 10.0.2.2/24 }\n\nnftables_tables:";

/** Waits until hv takes no new login; connections from before go on. */
async function lockedOut(): Promise<void> {
  for (let tries = 0; (await lab.ssh("hv", "true", { fresh: true, check: false, timeoutSeconds: 5 })).code === 0; tries += 1) {
    if (tries > 120) throw new Error("hv still lets everybody in");
    await sleep(500);
  }
}

test("on a full disk", async () => {
  edit("host_vars/hv.yml", RULE, LOCK_OUT);
  const running = playbook("--limit", "hv");
  await lockedOut();
  await text("hv", "dd if=/dev/zero of=/fill bs=1M 2>/dev/null; dd if=/dev/zero of=/fill2 bs=512 2>/dev/null; true");
  const done = await running;
  expect([done.code, done.stdout]).toEqual([2, expect.stringMatching(BACK)]);
  await text("hv", "rm -f /fill /fill2");
  await expectAsBefore(before);
  edit("host_vars/hv.yml", LOCK_OUT, RULE);
  expect((await stack(["preview", "--refresh", "--expect-no-changes"])).code).toBe(0);
});

test("while networkd hangs", async () => {
  // Nobody can look in once the link has the operator's own network.
  const hasIt = "ip -4 -o address show dev wrong 2>/dev/null | grep -q 10.0.2.2";
  await text("hv", `systemd-run -q --unit=stopper sh -c 'until ${hasIt}; do sleep 0.2; done; systemctl kill -s STOP systemd-networkd'`);
  edit("host_vars/hv.yml", "\nnftables_tables:", VLAN);
  const done = await playbook("--limit", "hv");
  expect([done.code, done.stdout]).toEqual([2, expect.stringMatching(BACK)]);
  await text("hv", "systemctl kill -s CONT systemd-networkd; sleep 3; networkctl reload");
  await expectAsBefore(before);
  edit("host_vars/hv.yml", VLAN, "\nnftables_tables:");
});

test("a change that breaks a declared check, though a login works", async () => {
  edit("host_vars/hv.yml", "  forwarding: true\n", '  forwarding: true\n  confirm: ["tcp 10.10.10.20:22", "tcp 10.10.10.20:1"]\n');
  expect((await playbook("--limit", "hv")).code).toBe(0);
  const withCheck = await standing("hv");
  edit("host_vars/hv.yml", RULE, `iifname "apps" ip saddr 10.10.10.20 drop\n        ${RULE}`);
  const done = await playbook("--limit", "hv");
  expect([done.code, done.stdout]).toEqual([
    2,
    expect.stringMatching(/The host did not confirm[^]*fails now: tcp 10\.10\.10\.20:22\)[^]*rolled back at/),
  ]);
  await expectAsBefore(withCheck);
});

test("a rollback that would not run at boot lets nothing be changed", async () => {
  await text("hv", "systemctl disable -q homelab-rollback");
  edit("host_vars/hv.yml", RULE, LOCK_OUT);
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect([code === 0, output]).toEqual([
    false,
    expect.stringMatching(/homelab-rollback\.service is masked or disabled\. Apply `homelab_host` first/),
  ]);
  edit("host_vars/hv.yml", LOCK_OUT, RULE);
  await text("hv", "systemctl enable -q homelab-rollback");
  await expectAsBefore(before);
});
