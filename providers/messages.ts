import { z } from "zod";

// The types, as a user of YAML calls them.
const TYPES: Record<string, string> = {
  string: "a string",
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** The message of a schema's own check where the schema has none: what was expected. */
export function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type": {
      const type = TYPES[issue.expected] ?? issue.expected;
      if (input === undefined) return `missing: ${[type, describe(issue.inst)].filter(Boolean).join(", ")}`;
      return type;
    }
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
    case "too_big": {
      const isMost = issue.code === "too_big";
      const bound = isMost ? issue.maximum : issue.minimum;
      if (issue.origin === "string")
        return bound === 1 ? "a string that is not empty" : `${isMost ? "at most" : "at least"} ${bound} characters`;
      return `${isMost ? "at most" : "at least"} ${bound}`;
    }
    case "unrecognized_keys":
      return `unknown key; expected one of ${Object.keys(shapeOf(issue.inst)).join(", ") || "none"}`;
    case "invalid_key":
      return (issue.issues as { message: string }[])[0]?.message;
    default:
      return undefined;
  }
}

/** An issue as a user reads it: what was expected, what was found, and, where that is not obvious, what to do. */
export function described({ code, message }: z.core.$ZodIssue, value: unknown): string {
  if (code === "unrecognized_keys" || /^missing\b/.test(message)) return message;
  if (code === "invalid_key") return `expected ${message}`;
  // The message of a contradiction is a whole sentence.
  if (code === "custom" && !message.startsWith("expected ")) return message;
  const expected = message.replace(/^expected /, "");
  if (value === undefined && code !== "custom") return `missing: ${expected}`;
  // A mapping as a whole is no value that a user would look for.
  if (code === "custom" && typeof value === "object") return message;
  if (value === null) return `expected ${expected}, got nothing. Set a value or remove the key`;
  const hint = code === "invalid_type" ? hintFor(expected, value) : "";
  return `expected ${expected}${shown(value)}${hint}`;
}

/** How to write a value so that YAML reads it as the type that was expected. */
function hintFor(expected: string, value: unknown): string {
  if (expected === "a string" && typeof value !== "object") return ". Quote it";
  return typeof value === "string" && /^(true|false|-?[0-9.]+)$/.test(value) ? ". Remove the quotes" : "";
}

/** The value at a path; undefined where the path leads nowhere. */
export const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], value);

/** A single value, so that a user recognises it. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return ", got a list";
  if (typeof value === "object") return ", got a mapping";
  const text = JSON.stringify(value);
  return `, got ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

const describe = (schema: unknown): string | undefined => z.globalRegistry.get(schema as z.ZodType)?.description;
const shapeOf = (schema: unknown): object => (schema as { shape?: object } | undefined)?.shape ?? {};
