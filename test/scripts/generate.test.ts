// What is generated from the table of kinds, and what has to agree with it by hand.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as components from "../../components";
import { loadInventory } from "../../components/inventory/load";
import * as providers from "../../providers";
import { definitions, resources, roleOf } from "../../providers/kinds";
import { typeOf } from "../../providers/resource";
import { outdated, root } from "../../scripts/generate";
import { pythonPattern } from "../../scripts/generate/python";
import { jsonSchemaOf } from "../../scripts/generate/schemas";
import { z } from "zod";

const names = definitions.map(({ name }) => name);

test("every generated file is up to date: `npm run generate`", () => {
  expect(outdated()).toEqual([]);
});

test("the observers' table has the same kinds in the same order", () => {
  const code =
    "import sys; sys.path.insert(0, sys.argv[1]); from homelab.observe.kinds import OBSERVERS; print(*(one.kind for one in OBSERVERS))";
  const printed = execFileSync(join(root, ".venv/bin/python"), ["-B", "-c", code, join(root, "ansible/module_utils")], {
    encoding: "utf8",
  });
  expect(printed.trim().split(" ")).toEqual(names);
});

test("every kind has its module and its role, and there is none without a kind", () => {
  const library = readdirSync(join(root, "ansible/library")).map((file) => file.replace(/\.py$/, ""));
  expect(library.filter((name) => !["detect_changes", "history"].includes(name)).sort()).toEqual(names.map(roleOf).sort());
  const stages = ["apply", "confirm", "detect_changes", "history", "removal", "report", "request"];
  const roles = readdirSync(join(root, "ansible/roles")).filter((role) => !stages.includes(role));
  expect(roles.sort()).toEqual(names.map(roleOf).sort());
});

test("every kind is applied on the lab: its inventory has some, or a test of this kind makes some", () => {
  const texts = (folder: string, files: RegExp) =>
    readdirSync(join(root, folder))
      .filter((file) => files.test(file))
      .map((file) => readFileSync(join(root, folder, file), "utf8"));
  // The test of states changes a resource of any kind; it says nothing of what one does.
  const all = [...texts("ansible/inventory/lab/host_vars", /./), ...texts("test/lab", /^(?!states).*\.test\.ts$/)].join("\n");
  expect(definitions.filter(({ list }) => !new RegExp(`\\b${list}\\b`).test(all)).map(({ name }) => name)).toEqual([]);
});

test("a role has tasks of its own only where its main tasks continue with them, or others include them", () => {
  const own = definitions.flatMap(({ name }) =>
    readdirSync(join(root, `ansible/roles/${roleOf(name)}/tasks`))
      .filter((file) => !["main.yml", "remove.yml"].includes(file))
      .map((file) => `${name}/${file}`),
  );
  expect(own.sort()).toEqual(["domain/after.yml", "domain/detected.yml", "domain/pin.yml", "host/after.yml", "podman-secret/find.yml"]);
});

test("the writers may disconnect the host where the table says so", () => {
  const code =
    "import sys, json, importlib, ansible.module_utils as m; m.__path__.append(sys.argv[1]); found = {}\n" +
    "for line in sys.argv[2:]:\n" +
    "    module, name = line.split(':'); writer = getattr(importlib.import_module(module), name); found[writer.kind] = writer.may_disconnect\n" +
    "print(json.dumps(found))";
  const writers = names.map((name) => {
    const text = readFileSync(join(root, `ansible/library/${roleOf(name)}.py`), "utf8");
    const [, module, writer] = /^from (\S+) import (\w+Writer)$/m.exec(text)!;
    return `${module}:${writer}`;
  });
  const argv = ["-B", "-c", code, join(root, "ansible/module_utils"), ...writers];
  const found = JSON.parse(execFileSync(join(root, ".venv/bin/python"), argv, { encoding: "utf8" })) as Record<string, boolean>;
  expect(found).toEqual(Object.fromEntries(definitions.map(({ name, mayDisconnect }) => [name, mayDisconnect ?? false])));
});

test("every kind's class is exported to programs, under the name of its type", () => {
  for (const [name, resource] of Object.entries(resources)) {
    expect((providers as Record<string, unknown>)[name]).toBe(resource);
    expect(typeOf(resource.kind.name)).toBe(name);
  }
  expect(Object.keys(components)).toContain("ManagedHost");
});

test("every kind's folder holds its schema and its resource, and there is none without a kind", () => {
  const folders = readdirSync(join(root, "providers"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const kinds = folders.map(({ name }) => name).filter((name) => existsSync(join(root, "providers", name, "schema.ts")));
  expect(kinds.sort()).toEqual([...names].sort());
  for (const name of names) expect(existsSync(join(root, "providers", name, "resource.ts"))).toBe(true);
});

test("a pattern means the same to Python: the end of a text is no line feed before it", () => {
  expect(pythonPattern(/^[a$]+(?:b|$)\$$/.source)).toBe("^[a$]+(?:b|\\Z)\\$\\Z");
});

test("the words of a schema's checks go along, as a check by itself or as one of several", () => {
  expect(jsonSchemaOf(z.string().regex(/a/, "an a"))).toMatchObject({ pattern: "a", "x-expected": "an a" });
  const both = z.string().regex(/a/, "an a").regex(/b/, "a b");
  expect(jsonSchemaOf(both).allOf).toEqual([
    { pattern: "a", "x-expected": "an a" },
    { pattern: "b", "x-expected": "a b" },
  ]);
});

test("the example of a real host is valid", () => {
  expect(loadInventory(join(root, "ansible/inventory/prod")).hosts.map(({ name }) => name)).toEqual(["hypervisor"]);
});
