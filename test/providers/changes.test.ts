// What becomes of state when a change goes wrong. The hosts are mocked: what they say is the test's.
import { apply, remove } from "../../providers/ansible/queue";
import { type ResourceResult } from "../../providers/ansible/run";
import { NoAnswer, PartialChange } from "../../providers/errors";
import { type Inputs, type Outputs, lifecycle } from "../../providers/lifecycle";
import { observe } from "../../providers/ssh/observe";

jest.mock("../../providers/ansible/queue");
jest.mock("../../providers/ssh/observe");

const says = jest.mocked(apply);
const inputs = {
  kind: "vlan" as const,
  host: "hv",
  inventory: "inventory",
  owner: "lab",
  unit: { name: "apps", id: 10, bridge: "br0", mtu: 1500 },
  __provider: "shim",
};
const outputs: Outputs = { ...inputs, drift: [], facts: {} };
const result: ResourceResult = { name: "apps", changed: true, failed: false, present: true, msg: "", differences: "", facts: { id: 10 } };

const thrown = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

test("a change that holds is state", async () => {
  says.mockResolvedValue(result);
  const { id, outs } = await lifecycle.create(inputs);
  expect([id, outs]).toEqual(["hv/vlan/apps", expect.objectContaining({ unit: inputs.unit, drift: [], facts: { id: 10 } })]);
});

test.each(["create", "update"])("a %s that changed the host and does not hold stays in state, with its drift", async (which) => {
  says.mockResolvedValue({ ...result, failed: true, msg: "applied, but", differences: "apps: it is down" });
  const error = await thrown(which === "create" ? lifecycle.create(inputs) : lifecycle.update("hv/vlan/apps", outputs, inputs));
  expect(error).toBeInstanceOf(PartialChange);
  expect(error).toMatchObject({ id: "hv/vlan/apps", reasons: ["applied, but"] });
  expect((error as PartialChange).properties).toMatchObject({ ...inputs, drift: ["apps: it is down"] });
});

test("what the host refused before any change leaves state as it was", async () => {
  says.mockResolvedValue({ ...result, changed: false, failed: true, msg: "it belongs to 'other'" });
  const error = await thrown(lifecycle.update("hv/vlan/apps", outputs, { ...inputs, owner: "other" } as Inputs));
  expect(error).not.toBeInstanceOf(PartialChange);
  expect((error as Error).message).toBe("hv/vlan/apps: it belongs to 'other'");
});

test("a run that had begun and gave no answer may have changed the host; one that had not begun did not", async () => {
  says.mockRejectedValue(new NoAnswer("hv: the connection broke", true));
  const error = await thrown(lifecycle.create(inputs));
  expect(error).toBeInstanceOf(PartialChange);
  expect((error as PartialChange).properties).toMatchObject({ drift: ["its last apply gave no answer"], __provider: "shim" });
  says.mockRejectedValue(new NoAnswer("hv: unreachable", false));
  expect(await thrown(lifecycle.create(inputs))).not.toBeInstanceOf(PartialChange);
});

test("a read or delete that fails is an error; only the host's own word makes a unit absent", async () => {
  jest.mocked(observe).mockRejectedValueOnce(new Error("away"));
  await expect(lifecycle.read("hv/vlan/apps", outputs)).rejects.toThrow("away");
  jest.mocked(observe).mockResolvedValueOnce({ name: "apps", present: false, differences: "", facts: {} });
  expect(await lifecycle.read("hv/vlan/apps", outputs)).toEqual({ id: "", props: {} });
  jest.mocked(remove).mockRejectedValueOnce(new Error("away"));
  await expect(lifecycle.delete("hv/vlan/apps", outputs)).rejects.toThrow("away");
});

test("files are named by inventories alone", async () => {
  const unit = { user: "web", source: "x.container", files: { a: { source: "b" } } };
  const { failures } = await lifecycle.check({}, { ...inputs, kind: "quadlet-unit", unit });
  expect(failures!.map(({ property }) => property)).toEqual(["unit.source", "unit.files.a"]);
});
