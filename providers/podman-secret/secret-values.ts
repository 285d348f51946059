/**
 * Values that a program gives to its secrets, by their digest. `check` takes them out of what the engine keeps, so no
 * value is in state; create and update of the same run find them here.
 */
const values = new Map<string, string>();

/** Takes the value out of a secret's inputs. In a preview it may not be known yet. */
export function storeValue({ unit, value }: { unit: Record<string, unknown>; value?: string }): void {
  if (value !== undefined && typeof unit["digest"] === "string") values.set(unit["digest"], value);
}

/** The value that a program gave to a secret; none for one that is in the vault. */
export const secretValueOf = (spec: object): string | undefined =>
  "digest" in spec && !("from" in spec) ? values.get(String(spec.digest)) : undefined;
