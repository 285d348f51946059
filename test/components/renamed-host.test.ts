// A host that was renamed in the inventory: its resources are updated, and neither created nor deleted. rename.long does it on the lab.
import { hostVars } from "../../components/inventory/schema";
import { lifecycle } from "../../providers/lifecycle";

const vars = { bridges: [{ name: "br0" }], homelab_renamed_from: "hv" };
const unit = hostVars.parse(vars).bridges[0]! as unknown as Record<string, unknown>;
const place = { kind: "bridge" as const, inventory: "ansible/inventory/lab", owner: "lab", unit };
const state = { ...place, host: "hv", drift: [], facts: {} };

test.each([
  ["declared", { ...place, host: "node1", renamedFrom: "hv" }, { changes: true, replaces: [] }],
  ["not declared", { ...place, host: "node1" }, { changes: true, replaces: ["unit"] }],
  ["of another host", { ...place, host: "node1", renamedFrom: "hw" }, { changes: true, replaces: ["unit"] }],
])("a rename that is %s", async (_what, news, expected) => {
  expect(await lifecycle.diff("hv/bridge/br0", state, news)).toMatchObject(expected);
});

test("once the former name is no longer declared, there is nothing to do", async () => {
  const { inputs } = await lifecycle.check({}, { ...place, host: "node1", renamedFrom: "hv" });
  expect(inputs).toMatchObject({ renamedFrom: "hv" });
  const moved = { ...place, host: "node1", drift: [], facts: {} };
  expect(await lifecycle.diff("hv/bridge/br0", moved, { ...place, host: "node1" })).toMatchObject({ changes: false });
});
