// The kinds' schemas as JSON Schema (draft 2020-12), with the words of zod's checks as `x-expected`.
import { z } from "zod";
import { type Definition } from "../../providers/kinds";

/** The part of JSON Schema that zod makes of our schemas. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  propertyNames?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  "x-expected"?: string;
}

/** A kind's schema of one resource, as a user writes it. */
export const schemaOf = ({ schema }: Pick<Definition, "schema">): JsonSchema => jsonSchemaOf(schema);

/** The same, as an inventory may declare it. */
export const inventorySchemaOf = ({ inventorySchema, schema }: Pick<Definition, "inventorySchema" | "schema">): JsonSchema =>
  jsonSchemaOf(inventorySchema ?? schema);

/** A zod schema as JSON Schema, of what a user writes. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const found = z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => addExpected(zodSchema, jsonSchema),
  }) as JsonSchema & { $schema?: string };
  delete found.$schema;
  return found;
}

/** A schema's properties with whether they are required, in their order. */
export const propertiesOf = (schema: JsonSchema): [string, JsonSchema, boolean][] =>
  Object.entries(schema.properties ?? {}).map(([name, one]) => [name, one, schema.required?.includes(name) ?? false]);

interface Check {
  _zod: { def: { check: string; pattern?: RegExp; error?: (issue: object) => string | undefined } };
}

/** The message of a schema's own check is the accepted form; JSON Schema has no place for it. */
function addExpected(zodSchema: z.core.$ZodType, jsonSchema: object): void {
  const def = (
    zodSchema as unknown as { _zod: { def: { checks?: Check[]; error?: (issue: object) => string | undefined; pattern?: RegExp } } }
  )._zod.def;
  const target = jsonSchema as JsonSchema;
  const patterns = [
    ...(def.pattern ? [{ pattern: def.pattern, error: def.error }] : []),
    ...(def.checks ?? []).flatMap(({ _zod }) => (_zod.def.pattern ? [_zod.def] : [])),
  ];
  if (patterns.length > 0) {
    delete target.pattern;
    delete target.allOf;
    const parts = patterns.map(({ pattern, error }) => {
      const expected = error?.({ code: "invalid_format" });
      return { pattern: (pattern as RegExp).source, ...(expected ? { "x-expected": expected } : {}) };
    });
    Object.assign(target, parts.length === 1 ? parts[0] : { allOf: parts });
  } else if (def.error) {
    const expected = def.error({ code: "invalid_type" });
    if (typeof expected === "string") target["x-expected"] = expected;
  }
}
