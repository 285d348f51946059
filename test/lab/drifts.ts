// What somebody does by hand to units, and what Pulumi must say of each, and of no other.
import { text } from "./look";
import { type HostName } from "./paths";

/** A unit's id, a command that root runs on its host, what is said of the unit then, and the ids of others that this takes with it. */
export type Drift = [id: string, command: string, said: RegExp, takes?: string[]];

/** Does all of that, in this order. */
export async function makeDrift(drifts: Drift[]): Promise<void> {
  for (const [id, command] of drifts) await text(id.split("/")[0] as HostName, command);
}

/** The ids of all units that differ then. */
export const idsOf = (drifts: Drift[]): string[] => [...new Set(drifts.flatMap(([id, , , takes = []]) => [id, ...takes]))].sort();

interface Shown {
  id: string;
  /** update, create, delete …; refresh is what an up with --refresh finds before it begins. */
  step: string;
  text: string;
}

/** What is shown of each unit with --diff. A unit that is made has no id yet, but its name is the same. */
function shownIn(output: string): Shown[] {
  const parts = output.replaceAll('\\"', '"').split(/^ *[-~+]{1,2} *pulumi-nodejs:/m);
  return parts.slice(1).map((text) => ({ id: /\[urn=.*::(\S+)\]/.exec(text)![1]!, step: /\((.+?)\)/.exec(text)![1]!, text }));
}

/** What is done about each unit that is not left as it is, by id. */
export const stepsIn = (output: string): Record<string, string> =>
  Object.fromEntries(
    shownIn(output)
      .filter(({ step }) => step !== "refresh")
      .map(({ id, step }) => [id, step]),
  );

/** A refresh, or an up with --refresh, names each where its unit is shown, and no other unit. */
export function expectNamed(output: string, drifts: Drift[]): void {
  const all = shownIn(output);
  const found = all.some(({ step }) => step === "refresh") ? all.filter(({ step }) => step === "refresh") : all;
  expect(found.map(({ id }) => id).sort()).toEqual(idsOf(drifts));
  for (const [id, command, said] of drifts) {
    const part = found.find((one) => one.id === id)?.text;
    expect([command, part]).toEqual([command, expect.stringMatching(said)]);
  }
}

/** An up changes those units in place, or makes them again where they are gone, and does nothing about any other. */
export function expectRepaired(output: string, drifts: Drift[]): void {
  const steps = stepsIn(output);
  expect(Object.keys(steps).sort()).toEqual(idsOf(drifts));
  expect(Object.entries(steps).filter(([, step]) => !["update", "create"].includes(step))).toEqual([]);
}
