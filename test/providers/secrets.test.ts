import { requestOf } from "../../providers/ansible/queue";
import { type Inputs, lifecycle } from "../../providers/lifecycle";
import { digestOf } from "../../providers/podman-secret/digest";

const digest = digestOf("a key of sixteen characters", "its own");
const inputs: Inputs = {
  kind: "podman-secret",
  host: "hv",
  inventory: "ansible/inventory/lab",
  owner: "lab",
  unit: { user: "web", name: "db", digest },
};
const asked = (unit: object) => requestOf([{ where: { ...inputs, unit }, name: "web/db", remove: false }]);

test("a program's value goes from check to the private request, and into nothing that the engine keeps", async () => {
  const { inputs: kept, failures } = await lifecycle.check({}, { ...inputs, value: "its own" } as Inputs);
  expect(failures).toBeUndefined();
  expect(kept).toEqual(inputs);
  expect(asked(inputs.unit).values).toEqual({ "web/db": "its own" });
});

test("a secret of the vault is asked for without its value", () => {
  const unit = { ...inputs.unit, from: "db" };
  expect(asked(unit)).toEqual({ owner: "lab", resources: { "podman-secret": [unit] }, absent: {}, values: {} });
});
