/**
 * Values that a program gives to its secrets, by their digest. check takes them out of what the engine keeps, so no
 * value stands in state; create and update of the same run find them here.
 */
const values = new Map<string, string>();

/** Takes the value out of a secret's inputs. In a preview it may not be known yet. */
export function takeValue({ unit, value }: { unit: Record<string, unknown>; value?: string }): void {
  if (value !== undefined && typeof unit["digest"] === "string") values.set(unit["digest"], value);
}

/** The value that a program gave to a secret; none for one that is in the vault. */
export const valueOf = (unit: object): string | undefined =>
  "digest" in unit && !("from" in unit) ? values.get(String(unit.digest)) : undefined;
