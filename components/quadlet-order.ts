import { type PodmanSecretSpec } from "../providers/podman-secret/schema";
import { secretsIn, settingsOf } from "../providers/quadlet-unit/file";
import { type QuadletUnitSpec } from "../providers/quadlet-unit/schema";

/**
 * Makes one thing of each unit, in the units' order, handing in what was made of the units that it names: its
 * image, networks, volumes, pod. The engine may take few units at a time, and removes them the other way round.
 * Units that name each other in a circle are made in the order in which they stand.
 */
export function eachAfterWhatItUses<T>(units: QuadletUnitSpec[], make: (unit: QuadletUnitSpec, used: T[]) => T): T[] {
  const made = new Map<QuadletUnitSpec, T>();
  const begun = new Set<QuadletUnitSpec>();
  const visit = (unit: QuadletUnitSpec): T | undefined => {
    if (begun.has(unit)) return made.get(unit);
    begun.add(unit);
    const used = units.filter((other) => other !== unit && uses(unit, other)).map(visit);
    const one = make(
      unit,
      used.filter((other) => other !== undefined),
    );
    made.set(unit, one);
    return one;
  };
  units.forEach(visit);
  return units.map((unit) => made.get(unit)!);
}

/** Whether a unit names another one of the same user as a word of its text. */
export function uses(unit: QuadletUnitSpec, other: QuadletUnitSpec): boolean {
  if (unit.user !== other.user || other.name === undefined) return false;
  const name = other.name.replace(/[.]/g, "\\.");
  const text = [unit.content ?? JSON.stringify(unit.sections), ...Object.values(unit.dropins ?? {})].join("\n");
  return new RegExp(`(?<![\\w@.-])${name}(?![\\w@.-])`).test(text);
}

/** Whether a unit names a Podman secret of the same user in Secret=. */
export function namesSecret(unit: QuadletUnitSpec, secret: PodmanSecretSpec): boolean {
  const listed = [unit.sections?.["Container"]?.["Secret"] ?? []].flat().map(String);
  const written = [unit.content ?? "", ...Object.values(unit.dropins ?? {})].flatMap((text) =>
    settingsOf(text)
      .filter(({ key }) => key === "Secret")
      .map(({ value }) => value),
  );
  return unit.user === secret.user && [...listed, ...written].some((value) => secretsIn(value).includes(secret.name));
}
