import * as pulumi from "@pulumi/pulumi";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Batch } from "../../providers/batch";
import { type Inputs, type Outputs, idOf, lifecycle } from "../../providers/lifecycle";
import { resultOf } from "../../providers/ansible/queue";
import { type Event, type ResourceResult } from "../../providers/ansible/run";

const root = resolve(__dirname, "../..");

const inputs: Inputs = {
  kind: "vlan",
  host: "hv",
  inventory: "ansible/inventory/lab",
  owner: "lab",
  unit: { name: "apps", id: 10, bridge: "br0", mtu: 1500 },
};
const outputs: Outputs = { ...inputs, drift: [], facts: {} };

test("ids are the same on every run", () => {
  expect(idOf(inputs)).toBe("hv/vlan/apps");
  expect(idOf({ kind: "nftables-table", host: "hv", unit: { family: "inet", name: "a" } })).toBe("hv/nftables-table/inet/a");
  expect(idOf({ kind: "host", host: "hv", unit: {} })).toBe("hv/host");
});

test("check fills in defaults, and tells what is wrong by property", async () => {
  const { mtu, ...short } = inputs.unit;
  expect(mtu).toBe(1500);
  expect((await lifecycle.check({}, { ...inputs, unit: short })).inputs).toEqual(inputs);
  const { failures } = await lifecycle.check({}, { ...inputs, unit: { ...short, id: 0 } });
  expect(failures).toEqual([{ property: "unit.id", reason: "expected 1 to 4094, got 0" }]);
});

test("a unit's text is given, and not a file that holds it; an image is where it is", async () => {
  const web = { ...inputs, kind: "quadlet-unit" as const, unit: { name: "web.container", source: "web.container" } };
  expect((await lifecycle.check({}, web)).failures).toEqual([
    { property: "unit.source", reason: "only an inventory can name a file; give its text instead" },
  ]);
  const image = { ...inputs, kind: "image" as const, unit: { name: "debian", source: "/srv/debian.qcow2", sha256: "0".repeat(64) } };
  expect((await lifecycle.check({}, image)).failures).toBeUndefined();
});

test("values that a preview does not know are let through", async () => {
  const unit = { ...inputs.unit, address: pulumi.runtime.unknownValue };
  expect((await lifecycle.check({}, { ...inputs, unit })).failures).toBeUndefined();
});

test("a changed value or drift is a change, nothing else is", async () => {
  const change = async (olds: Outputs, news: Inputs): Promise<boolean | undefined> =>
    (await lifecycle.diff("hv/vlan/apps", olds, news)).changes;
  expect(await change(outputs, inputs)).toBe(false);
  expect(await change({ ...outputs, drift: ["gone"] }, inputs)).toBe(true);
  expect(await change(outputs, { ...inputs, unit: { ...inputs.unit, mtu: 1400 } })).toBe(true);
  // A state of a version that did not know a property had its default.
  const older = { ...inputs.unit };
  delete older["mtu"];
  expect(await change({ ...outputs, unit: older }, inputs)).toBe(false);
});

test("another name is another resource, unless it is declared as a rename", async () => {
  const domain = (unit: Record<string, unknown>): Inputs => ({ ...inputs, kind: "domain", unit: { memory: "1 GiB", ...unit } });
  const olds = { ...domain({ name: "web" }), drift: [], facts: {} };
  const replaces = async (unit: Record<string, unknown>): Promise<string[] | undefined> =>
    (await lifecycle.diff("hv/domain/web", olds, domain(unit))).replaces;
  expect(await replaces({ name: "shop" })).toEqual(["unit"]);
  expect(await replaces({ name: "shop", renamed_from: "web" })).toEqual([]);
  // State may still have the old id.
  const renamed = { ...domain({ name: "shop", renamed_from: "web" }), drift: [], facts: {} };
  expect((await lifecycle.diff("hv/domain/web", renamed, domain({ name: "shop" }))).replaces).toEqual([]);
});

test("calls that arrive together are one run, and those during a run are the next", async () => {
  const runs: number[][] = [];
  const batch = new Batch<number, number>(async (numbers) => {
    runs.push(numbers);
    await new Promise((done) => setTimeout(done, 30));
    return numbers.map((number) => (number === 3 ? new Error("three") : number * 2));
  }, 5);
  const first = [batch.add(1), batch.add(2)];
  await new Promise((done) => setTimeout(done, 15));
  const second = [batch.add(3).catch((error: Error) => error.message), batch.add(4)];
  expect(await Promise.all([...first, ...second])).toEqual([2, 4, "three", 8]);
  expect(runs).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("a call of which the run said nothing is an error with the run's reason", () => {
  const events = [{ event: "unreachable" as const, host: "hv", task: "host", msg: "timed out" }];
  const result = resultOf({ where: inputs, name: "apps", remove: true }, { code: 4, events, output: "" });
  expect(result).toBeInstanceOf(Error);
  expect((result as Error).message).toContain("unreachable: host: timed out");
});

const event = (event: Event["event"], task: string, more = {}): Event => ({ event, host: "hv", task, ...more });
const made: ResourceResult = { name: "apps", changed: true, failed: false, present: true, msg: "", facts: {} };
const vlansSaid = event("result", "vlan", { kind: "vlan", resources: [made], removed: [], armed: true });
const confirmed: Event = { event: "confirmed", host: "hv" };
const call = { where: inputs, name: "apps", remove: false };

const step = (step: Event["step"]): Event => event("failed", "a task of any name", { step, msg: "why" });
const started = event("task", "a task of any name", { step: "apply", role: "vlan" });

test("a change that was rolled back is none, and one that stands though the connection was lost is one", () => {
  const ended = (...how: Event[]) => resultOf(call, { code: 2, events: [vlansSaid, ...how], output: "" });
  expect(ended(step("rolled_back"))).toEqual({ ...made, failed: true, changed: false, msg: "why" });
  expect(ended(confirmed, step("connection_lost"))).toEqual(made);
});

const ruleChange = event("result", "nftables_table", { kind: "nftables-table", resources: [], removed: [], armed: true });
const unarmed = { ...vlansSaid, armed: false };

test.each<[string, Event[], boolean]>([
  ["a login confirmed it", [vlansSaid, confirmed], true],
  ["the run ended before anybody logged in", [vlansSaid], false],
  ["another task failed before anybody logged in", [vlansSaid, event("failed", "bridge", { msg: "why" })], false],
  ["only what was before it was confirmed", [ruleChange, confirmed, vlansSaid], false],
  ["it needs no confirmation", [unarmed], true],
  ["an earlier change of the run is rolled back together with it", [ruleChange, unarmed], false],
  ["all before it was confirmed, and it needs none", [ruleChange, confirmed, unarmed], true],
  ["a later removal was rolled back", [vlansSaid, confirmed, { ...ruleChange }, step("rolled_back")], true],
])("a VLAN counts as changed only with evidence that its change stays: %s", (_what, events, stays) => {
  const result = resultOf(call, { code: 0, events: [started, ...events], output: "the end" });
  if (stays) return expect(result).toEqual(made);
  expect(result).toMatchObject({ begun: true });
  expect((result as Error).message).toMatch(/^hv: vlan apps: It was changed, and no new SSH login confirmed the change, .*\n/);
});

test("the removal of a VLAN needs the same evidence", () => {
  const removal = { ...vlansSaid, resources: [], removed: [made] };
  const ended = (...events: Event[]) => resultOf({ ...call, remove: true }, { code: 0, events: [removal, ...events], output: "" });
  expect(ended(confirmed)).toEqual(made);
  expect(ended()).toBeInstanceOf(Error);
});

test.each([
  ["rolled_back", false],
  ["connection_lost", true],
  ["confirm", true],
] as const)("a VLAN without a result, and a failed step `%s`: may the host have changed? %s", (word, begun) => {
  expect(resultOf(call, { code: 2, events: [started, step(word)], output: "" })).toMatchObject({ begun });
});

test("a run that started another kind only has not changed this one", () => {
  const other = { ...started, role: "bridge" };
  const failed = event("failed", "a task", { msg: "why" });
  expect(resultOf(call, { code: 2, events: [other, failed], output: "" })).toMatchObject({ begun: false });
  expect(resultOf(call, { code: 2, events: [started, failed], output: "" })).toMatchObject({ begun: true });
  const rejected = { ...failed, rejected: true };
  expect(resultOf(call, { code: 2, events: [started, rejected], output: "" })).toMatchObject({ begun: false });
});

test("the outcome on a host that did not come back is unknown", () => {
  const events = [started, vlansSaid, step("confirm")];
  expect(resultOf(call, { code: 2, events, output: "" })).toMatchObject({ begun: true });
  const same = { ...vlansSaid, resources: [{ ...made, changed: false }] };
  expect(resultOf(call, { code: 2, events: [same, events[2]!], output: "" })).toMatchObject({ changed: false, failed: false });
});

test("what is serialised into state is small, and the same text from two clones at different paths", () => {
  const clone = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "clone-"));
    cpSync(join(root, "providers"), join(folder, "providers"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const code =
      'require("ts-node").register({ transpileOnly: true, skipProject: true, compilerOptions: { module: "commonjs", moduleResolution: "node10" } });' +
      'const { runtime } = require("@pulumi/pulumi");' +
      'const { shim } = require("./providers/shim");' +
      "runtime.serializeFunction(() => shim).then(({ text }) => process.stdout.write(text));";
    const text = execFileSync(process.execPath, ["-e", code], { cwd: folder, encoding: "utf8" });
    rmSync(folder, { recursive: true });
    expect(text).not.toContain(folder);
    return text;
  };
  const text = clone();
  expect(text).toContain('require("@homelab/providers").lifecycle.create');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2048);
  expect(clone()).toBe(text);
});
