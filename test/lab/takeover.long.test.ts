// Plain Ansible first, then Pulumi: it takes over what is ours and touches nothing. Removals are equal, too.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { ensureLab, type Lab } from "./lab";
import { footprint, text, traces } from "./look";
import { changed, edit, fresh, inventory, keep, playbook, remove, up } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;

beforeAll(async () => {
  lab = await ensureLab();
  await lab.reset();
  await fresh();
});

afterAll(() => lab.reset());

const both = async (): Promise<string[]> => [await traces("hv"), await traces("app")];

test("a check of a bare host says what it would do, and does nothing", async () => {
  const before = await footprint("hv");
  const check = await playbook("--check", "--limit", "hv");
  expect([check.code, check.stdout]).toEqual([0, expect.stringMatching(/hv +: ok=\d+ +changed=7/)]);
  expect(await footprint("hv")).toBe(before);
});

test("up takes over what plain Ansible made, and touches nothing", async () => {
  const made = await playbook();
  expect([made.code, changed(made.stdout)]).toEqual([0, { hv: 7, app: 4 }]);
  const before = await both();
  expect((await up()).output).toMatch(/\+ 17 created/);
  expect(await both()).toEqual(before);
  expect(changed((await playbook("--check")).stdout)).toEqual({ hv: 0, app: 0 });
  await keep(lab);
});

test("plain Ansible reports what left the configuration, and removes it when asked; Pulumi then has nothing to do", async () => {
  remove("host_vars/hv.yml", / {2}- name: iot\n(?: {4}.*\n)+/);
  remove("host_vars/hv.yml", / {2}- user: web\n {4}name: web.container\n(?: {4}.*\n)+/);
  const onHv = async (...args: string[]): Promise<string> => (await playbook("--limit", "hv", ...args)).stdout;
  const report = await onHv();
  expect(changed(report)).toEqual({ hv: 0 });
  expect(report).toMatch(/"vlan": \[\n\s+"iot"/);
  expect(report).toMatch(/"quadlet-unit": \[\n\s+"web\/web.container"/);
  // Kinds that have nothing to do or tell do not run.
  expect(report.match(/^TASK \[\w+ : (?:Detect|Apply) .*\n(?:changed|ok): \[hv\]/gm)).toHaveLength(3);
  edit("group_vars/all.yml", "homelab_owner: lab\n", "homelab_owner: lab\nhomelab_prune: true\n");
  expect(changed(await onHv("--check"))).toEqual({ hv: 2 });
  expect(changed(await onHv())).toEqual({ hv: 2 });
  expect(await text("hv", "ls /sys/class/net /home/web/.config/containers/systemd/lab")).not.toMatch(/iot|web.container/);
  const before = await both();
  expect((await up()).output).toMatch(/- 2 deleted/);
  expect(await both()).toEqual(before);
  expect(changed(await onHv())).toEqual({ hv: 0 });
});

test("a host that left the inventory is emptied all the same", async () => {
  edit("hosts.yml", "        app:\n", "");
  rmSync(join(inventory, "host_vars/app.yml"));
  expect((await up()).output).toMatch(/- 6 deleted/);
  expect(await footprint("app")).not.toMatch(/homelab|\nnotes/);
});
