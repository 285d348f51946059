// A host gets another name in the inventory: not declared, nothing is done to it; declared, its state moves and it is not changed.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab } from "./lab";
import { footprint, started, text } from "./look";
import { changed, configured, edit, good, inventory, playbook, runs, stack, up } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;
let before: string;

/** Files, rules, links and since when services run. */
const everything = async (): Promise<string> =>
  (await footprint("hv")) + (await text("hv", "nft -s list ruleset")) + (await started("hv", "web"));

beforeAll(async () => {
  lab = await configured();
  before = await everything();
  // The name alone changes: the former one still leads to the same machine, as a name server's often does.
  const config = join(inventory, "ssh_config");
  writeFileSync(config, readFileSync(config, "utf8").replace(/^Host hv\b/gm, "Host hv node1"));
  edit("hosts.yml", "hv:", "node1:");
  renameSync(join(inventory, "host_vars/hv.yml"), join(inventory, "host_vars/node1.yml"));
});

afterAll(() => lab.reset());

const KNOWN = /This machine is host 'hv' of owner '\w+' so far, and 'node1' now[^]*declare `homelab_renamed_from: hv`/;

test("a preview recognises the machine, and so do up and plain Ansible, which change nothing", async () => {
  for (const args of [["preview"], ["up", "--yes", "--skip-preview"], ["up", "--yes", "--skip-preview", "--continue-on-error"]]) {
    const { code, output } = await stack(args);
    expect([args, code === 0, output]).toEqual([args, false, expect.stringMatching(KNOWN)]);
  }
  const plain = await playbook("--limit", "node1");
  expect([plain.code, plain.stdout]).toEqual([2, expect.stringMatching(KNOWN)]);
  expect(await everything()).toBe(before);
});

test("a declared rename moves the state, and the host is not changed", async () => {
  edit("host_vars/node1.yml", "homelab_host:", "homelab_renamed_from: hv\nhomelab_host:");
  const { output } = await good(stack(["preview"]));
  // Of the runs before, the component of the new name is in state, and the former one is left.
  expect(output).not.toMatch(/pulumi-nodejs:\S+ \S+ (create|delete|replace)/);
  expect(output).toMatch(/pulumi-nodejs:\S+ node1\/host update/);
  await up();
  expect(await everything()).toBe(before);
  expect(runs().length).toBeGreaterThan(0);
  edit("host_vars/node1.yml", "homelab_renamed_from: hv\n", "");
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "node1")).stdout)).toEqual({ node1: 0 });
  expect((await good(stack(["stack", "export"]))).output).not.toMatch(/"host": "hv"/);
  expect(await everything()).toBe(before);
});
