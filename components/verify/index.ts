import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { type UnitResource, checkInventory } from "@homelab/providers";
import { type ManagedHost } from "../host";
import { type Finding, type Plan, findingOf, hindrancesOf, isUnasked, leavingOf, summaryOf, verdictsOf } from "./findings";

/**
 * During a preview: asks all hosts what they would make of their units, while the engine works, and says it of each resource.
 * Nothing on a host is changed. `folder` is the inventory's. With `homelab:verify: false` nobody is asked.
 */
export function verify(folder: string, hosts: ManagedHost[]): void {
  const wanted = new pulumi.Config("homelab").getBoolean("verify") ?? true;
  // What it throws ends the program, and with that the preview.
  if (pulumi.runtime.isDryRun() && wanted) void ask(folder, hosts);
}

/** Raises a RunError when a host refuses what is planned; the engine alone does not fail for an error that is logged. */
async function ask(folder: string, hosts: ManagedHost[]): Promise<void> {
  const run = await checkInventory(
    folder,
    hosts.map(({ config }) => config.name),
  );
  const verdicts = verdictsOf(run, new Map(hosts.map(({ config, units }) => [config.name, [...units.keys()]])));
  const hindrances = hindrancesOf(run);
  let refused = 0;
  for (const host of hosts) {
    const all = [...host.units.keys()].map((id) => verdicts.get(id)!);
    tell(summaryOf(host.config.name, all), host);
    for (const one of leavingOf(run, host.config.name)) tell(one, host);
    if (isUnasked(all)) continue;
    for (const [id, { resource, unit }] of host.units) {
      const finding = findingOf(verdicts.get(id)!, await planOf(resource, unit));
      const found = [finding, ...(hindrances.get(id) ?? []).map((message): Finding => ({ severity: "warn", message }))];
      // With --diff, Pulumi prints messages alone, without the resource that they are about.
      for (const one of found) if (one) tell({ ...one, message: `${id}: ${one.message}` }, resource);
      if (finding?.severity === "error") refused += 1;
    }
  }
  if (refused > 0) throw refusal(refused);
}

/** The program's own stack says nothing to whoever reads this. */
function refusal(count: number): pulumi.RunError {
  const error = new pulumi.RunError(
    `${count === 1 ? "a unit is" : `${count} units are`} refused by the hosts, see above; nothing was changed`,
  );
  error.stack = "";
  return error;
}

function tell({ severity, message }: Finding, resource: pulumi.Resource): void {
  void pulumi.log[severity](message, resource);
}

/**
 * What the engine is going to do about a resource: in a preview the outputs of one that stays are known once its URN is, and are
 * those of the last update. `declared` is its unit; with `--target` one that differs may stay.
 */
async function planOf(resource: UnitResource<unknown, unknown>, declared: object): Promise<Plan> {
  let plan: Plan = "planned";
  const said: unknown = JSON.parse(JSON.stringify(declared));
  pulumi.all([resource.unit, resource.drift]).apply(([unit]) => void (plan = isDeepStrictEqual(unit, said) ? "same" : "left out"));
  await new Promise<string>((resolve) => resource.urn.apply((urn) => setImmediate(resolve, urn)));
  return plan;
}
