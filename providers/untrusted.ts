/**
 * Characters that a terminal obeys or that change what a reader sees: C0 but for newline and tab, DEL, C1, U+2028 and U+2029,
 * and those that change the direction of text.
 */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => {
  const code = character.codePointAt(0)!.toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
};

/** A text from a host as it may be printed: control characters are visible, and Pulumi does not expand its own markup. */
export const printable = (text: string): string =>
  // OpenSSH ends its lines so.
  text.replaceAll("\r\n", "\n").replace(CONTROL, escaped).replaceAll("<{%", "<\\x7b%");

/** A value from a host with all its texts printable, the names of properties, too. */
export function printableIn<Value>(value: Value): Value {
  if (typeof value === "string") return printable(value) as Value;
  if (Array.isArray(value)) return value.map(printableIn) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [printable(name), printableIn(one)])) as Value;
}
