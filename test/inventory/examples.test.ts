// The examples of the reference: complete, valid, and the same to editors.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv/dist/2020";
import { parse } from "yaml";
import { parseSource } from "../../components/inventory/document";
import { loadInventory } from "../../components/inventory/load";
import { definitions } from "../../providers/kinds";
import { root } from "../../scripts/generate";
import { exampleOf } from "../../scripts/generate/reference";
import { type JsonSchema, inventorySchemaOf, jsonSchemaOf, propertiesOf } from "../../scripts/generate/schemas";
import { BASE, type Fixture, fixtures, write } from "./fixtures";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

const VAULT = `homelab_secret_key: "a key of sixteen characters"\nsecrets: { web-db-password: x, direct-user-data: "#cloud-config" }\n`;
jest.mock("../../providers/ansible/vault", () => ({
  ...jest.requireActual<object>("../../providers/ansible/vault"),
  viewVault: () => VAULT,
}));

let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "examples-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

const ajv = new Ajv({ strict: false, validateFormats: false });
const schemaOf = (name: string) => ajv.compile(JSON.parse(readFileSync(join(root, `schemas/${name}.json`), "utf8")) as object);
const checks = { host_vars: schemaOf("host_vars"), group_vars: schemaOf("group_vars"), hosts: schemaOf("hosts") };

/** Every property of a schema that a value does not use, at any depth, as a path. */
function unused(schema: JsonSchema, values: unknown[], at = ""): string[] {
  return propertiesOf(schema).flatMap(([name, one]) => {
    const given = values.flatMap((value) => ((value as Record<string, unknown> | null)?.[name] ?? []) as unknown[]).flat();
    const has = values.some((value) => typeof value === "object" && value !== null && name in value);
    if (!has) return [`${at}${name}`];
    const inner = one.properties ? one : one.items?.properties ? one.items : undefined;
    return inner ? unused(inner, given, `${at}${name}.`) : [];
  });
}

test.each(definitions.map((kind) => [kind.name, kind] as const))("the example of %s is valid, and has every property", (_name, kind) => {
  const text = readFileSync(exampleOf(kind), "utf8");
  const files = { ...BASE, "host_vars/hv.yml": text, "vault.yml": "", "files/native.network": "[Network]\n" };
  const inventory = loadInventory(write({ name: kind.name, files, errors: [], warnings: [] }, join(scratch, kind.name)));
  expect(inventory.hosts).toHaveLength(1);
  const declared = [(parse(text) as Record<string, unknown>)[kind.list]].flat();
  expect(unused(inventorySchemaOf(kind), declared)).toEqual([]);
  expect(checks.host_vars(parse(text))).toBe(true);
});

test.each(definitions.map((kind) => [kind.name, kind] as const))(
  "a change of every property of %s has a class in the reference",
  (_name, kind) => {
    expect(Object.keys(kind.disruption).sort()).toEqual(
      propertiesOf(jsonSchemaOf(kind.schema))
        .map(([name]) => name)
        .sort(),
    );
  },
);

/** What a file holds as an editor reads it; nothing where it is no YAML of ours. */
const dataOf = ({ files }: Fixture, path: string): unknown => {
  const { data, problems } = parseSource(path, Buffer.from(files[path]!, "latin1").toString("utf8"), "allowed");
  return problems.length > 0 ? undefined : (data ?? {});
};
const schemaFor = (path: string) =>
  path.startsWith("host_vars/")
    ? checks.host_vars
    : path === "group_vars/all.yml"
      ? checks.group_vars
      : path === "hosts.yml"
        ? checks.hosts
        : undefined;

test.each(fixtures("good").map((fixture) => [fixture.name, fixture] as const))(
  "editors accept the good configuration %s",
  (_name, fixture) => {
    for (const path of Object.keys(fixture.files)) {
      const check = schemaFor(path);
      const data = check && dataOf(fixture, path);
      if (check && data !== undefined) expect([path, check(data), check.errors]).toEqual([path, true, null]);
    }
  },
);

// What only the loader decides: contradictions, references, forms of YAML.
const OF_VALUES =
  /: (expected (?!an address|at most (memory|vcpus)_max|exactly one|one of volume|a file whose|fixed)|missing: (?!the unit)|unknown key)/;
const rejectable = fixtures("bad").filter(({ errors }) => errors.length > 0 && errors.every((line) => OF_VALUES.test(line)));

test.each(rejectable.map((fixture) => [fixture.name, fixture] as const))("editors reject the bad configuration %s", (_name, fixture) => {
  const paths = [...new Set(fixture.errors.map((line) => line.slice(0, line.indexOf(":"))))];
  for (const path of paths) {
    const check = schemaFor(path);
    const data = check && path in fixture.files ? dataOf(fixture, path) : undefined;
    if (check && data !== undefined) expect([path, check(data)]).toEqual([path, false]);
  }
});

test("there are bad configurations that an editor can reject", () => {
  expect(rejectable.length).toBeGreaterThan(30);
});
