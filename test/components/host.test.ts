// A managed host composes whatever its inventory declares: of every kind, the example of the reference.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ManagedHost } from "../../components";
import { loadInventory } from "../../components/inventory/load";
import { definitions } from "../../providers/kinds";
import { exampleOf } from "../../scripts/generate/reference";
import { BASE, write } from "../inventory/fixtures";

jest.mock("../../providers/ansible/vault", () => ({
  ...jest.requireActual<object>("../../providers/ansible/vault"),
  viewVault: () =>
    `homelab_secret_key: "a key of sixteen characters"\nsecrets: { web-db-password: x, direct-user-data: "#cloud-config" }\n`,
}));

// A mock: the engine's way of putting a provider's code into state needs V8's inspector, which jest's own realm lacks.
jest.mock("@pulumi/pulumi/runtime/closure/serializeClosure", () => ({ serializeFunction: () => Promise.resolve({ text: "" }) }));

let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "composed-"));
  await pulumi.runtime.setMocks({ newResource: ({ name }) => ({ id: name, state: { facts: {} } }), call: () => ({}) });
});
afterAll(() => rmSync(scratch, { recursive: true }));

test.each(definitions.map((kind) => [kind.name, kind] as const))("a declared resource of kind %s is composed", (name, kind) => {
  const files = {
    ...BASE,
    "host_vars/hv.yml": readFileSync(exampleOf(kind), "utf8"),
    "vault.yml": "",
    "files/native.network": "[Network]\n",
  };
  const folder = write({ name, files, errors: [], warnings: [] }, join(scratch, name));
  const { hosts, owner } = loadInventory(folder);
  const { resources } = new ManagedHost("hv", { config: hosts[0]!, inventory: folder, owner });
  expect([...resources.keys()].filter((id) => id.split("/")[1] === name)).not.toEqual([]);
});
