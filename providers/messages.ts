import { z } from "zod";

// The accepted forms, as a user of YAML calls them.
const FORMS: Record<string, string> = {
  string: "a text",
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a group of names with values",
  record: "a group of names with values",
};

/** What a schema's check says where the schema has no words of its own: what is wrong, and the accepted form. */
export function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type": {
      const form = FORMS[issue.expected] ?? issue.expected;
      if (input === undefined) return `missing: ${[form, describe(issue.inst)].filter(Boolean).join(", ")}`;
      if (input === null) return `${form} is wanted, and nothing is given: give one, or leave the name out`;
      if (issue.expected === "string" && typeof input !== "object") return `${form} is wanted: quote it`;
      const quoted = typeof input === "string" && /^(true|false|-?[0-9.]+)$/.test(input);
      return `${form} is wanted${quoted ? ", without quotes" : ""}`;
    }
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
    case "too_big": {
      const most = issue.code === "too_big";
      const bound = most ? issue.maximum : issue.minimum;
      if (issue.origin === "string")
        return bound === 1 ? "a text that is not empty" : `${most ? "at most" : "at least"} ${bound} characters`;
      return `${most ? "at most" : "at least"} ${bound}`;
    }
    case "unrecognized_keys":
      return `unknown name; known are ${Object.keys(shapeOf(issue.inst)).join(", ") || "none"}`;
    case "invalid_key":
      return (issue.issues as { message: string }[])[0]?.message;
    default:
      return undefined;
  }
}

const describe = (schema: unknown): string | undefined => z.globalRegistry.get(schema as z.ZodType)?.description;
const shapeOf = (schema: unknown): object => (schema as { shape?: object } | undefined)?.shape ?? {};
