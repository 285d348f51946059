// States that released versions wrote (test/states/<version>.json): today's code knows their units, and replaces none of them.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { heldIn } from "../../cli/state";
import { type Inputs, type Outputs, idOf, lifecycle } from "../../providers/lifecycle";

const folder = join(__dirname, "../states");
const states = readdirSync(folder).map((file) => {
  const exported = JSON.parse(readFileSync(join(folder, file), "utf8")) as Parameters<typeof heldIn>[1];
  const units = exported.deployment!.resources!.filter(({ type }) => type.includes("homelab:")).flatMap(({ outputs }) => outputs ?? []);
  return { version: file.slice(0, -".json".length), exported, units: units as unknown as Outputs[] };
});

test("there is one of today's version, so that the next one is held to it", () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as { version: string };
  expect(states.map((one) => one.version)).toContain(version);
});

test("a domain that was renamed is found under its new name, which its id gets at the next refresh", () => {
  const outputs = { kind: "domain", host: "hv", unit: { name: "new" } };
  const resource = { type: "pulumi-nodejs:dynamic/homelab:Domain", id: "hv/domain/old", urn: "", outputs };
  const exported = { deployment: { resources: [resource] } } as unknown as Parameters<typeof heldIn>[1];
  expect(heldIn("lab", exported).map(({ id }) => id)).toEqual(["hv/domain/new"]);
});

describe.each(states)("$version", ({ exported, units }) => {
  test("its units are found under the ids that they have today", () => {
    const held = heldIn("lab", exported);
    expect(held.map(({ id }) => id)).toEqual(held.map((one) => idOf(one as unknown as Inputs)));
    expect(held.length).toBeGreaterThan(10);
  });

  test.each(units.map((unit) => [idOf(unit), unit] as const))("%s is taken as it is: nothing of it is changed", async (id, outputs) => {
    const { kind, host, inventory, owner, unit } = outputs;
    const { inputs, failures } = await lifecycle.check(outputs, { kind, host, inventory, owner, unit });
    expect(failures).toBeUndefined();
    // What serves a resource is no part of it: the state names the code of its time, and the engine gives today's.
    expect(outputs).toHaveProperty("__provider");
    const news = { ...(inputs as Inputs), __provider: "the code of today" };
    expect(await lifecycle.diff(id, outputs, news)).toMatchObject({ changes: false, replaces: [] });
  });
});
