// What somebody does by hand to units, and what a refresh must say of each.
import { text } from "./look";
import { type HostName } from "./paths";

/** A unit's id, a command that root runs on its host, and what is said of the unit then. */
export type Drift = [id: string, command: string, said: RegExp];

/** Does all of that, in this order. */
export async function makeDrift(drifts: Drift[]): Promise<void> {
  for (const [id, command] of drifts) await text(id.split("/")[0] as HostName, command);
}

/** Each is named where its unit is shown. */
export function expectNamed(output: string, drifts: Drift[]): void {
  const parts = output.replaceAll('\\"', '"').split(/^\s+[-~+] pulumi-nodejs/m);
  for (const [id, command, said] of drifts) {
    const part = parts.filter((one) => one.includes(`id=${id}]`)).join("\n");
    expect([command, part]).toEqual([command, expect.stringMatching(said)]);
  }
}
