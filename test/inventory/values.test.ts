import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Document, parse, visit } from "yaml";
import { parseSource } from "../../components/inventory/document";
import { type KindName, kinds } from "../../providers/kinds";

interface Field {
  at: (string | number)[];
  name?: boolean;
  given?: unknown;
  kept: unknown[];
  refused: unknown[];
}

const table = parse(readFileSync(join(__dirname, "values.yml"), "utf8"), { merge: true }) as {
  kind: KindName;
  unit: object;
  fields: Field[];
}[];

/** The unit with a value at a field. */
function unitWith(unit: object, { at, name, given }: Field, value: unknown): object {
  const copy = structuredClone(unit) as Record<string | number, unknown>;
  const path = name ? [...at, value as string] : at;
  let inner = copy;
  for (const step of path.slice(0, -1)) inner = (inner[step] ??= {}) as typeof inner;
  inner[path.at(-1)!] = name ? given : value;
  return copy;
}

const cases = (what: "kept" | "refused") =>
  table.flatMap(({ kind, unit, fields }) =>
    fields.flatMap((field) => field[what].map((value) => [kind, field.at.join("."), value, unitWith(unit, field, value)] as const)),
  );

test.each(cases("kept"))("%s %s: %j arrives as it is", (kind, _at, _value, unit) => {
  const parsed = kinds[kind].schema.safeParse(unit);
  expect(parsed.error?.issues ?? []).toEqual([]);
  expect(parsed.data).toMatchObject(unit);
});

test.each(cases("refused"))("%s %s: %j is refused", (kind, _at, _value, unit) => {
  expect(kinds[kind].schema.safeParse(unit).success).toBe(false);
});

test("what is kept survives YAML, quoted and marked as no template", () => {
  const units = cases("kept").map(([, , , unit]) => unit);
  const document = new Document(units);
  visit(document, {
    Scalar(_key, node) {
      // Ansible reads an empty one that is marked so as nothing at all.
      if (typeof node.value === "string") Object.assign(node, { ...(node.value ? { tag: "!unsafe" } : {}), type: "QUOTE_DOUBLE" });
    },
  });
  // What makes YAML leaves this as it is, and PyYAML would take it as the end of a line.
  const text = document.toString({ lineWidth: 0 }).replaceAll("\u2028", "\\u2028");
  const { data, problems } = parseSource("units.yml", text, "rejected");
  expect(problems).toEqual([]);
  expect(data).toEqual(units);
});

test("every kind has values at its limits", () => {
  const tried = table.map(({ kind }) => kind);
  expect(Object.keys(kinds).filter((kind) => !tried.includes(kind as KindName))).toEqual([]);
});
