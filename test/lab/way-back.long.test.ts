// A change that keeps the operator out is taken back by the host itself.
import { type Lab } from "./lab";
import { changed, configured, edit, playbook, stack } from "./project";
import { RULE, expectAsBefore, standing } from "./standing";

jest.setTimeout(1_800_000);

let lab: Lab;
let before: string;

beforeAll(async () => {
  lab = await configured();
  before = await standing("hv");
});

afterAll(() => lab.reset());

const BACK = /nobody could log in anew[^]*the host put itself back at [0-9:]+ UTC/;

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
