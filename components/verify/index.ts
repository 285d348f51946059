import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { type HostResource, checkInventory, completed, readerKey } from "@homelab/providers";
import { type ManagedHost } from "../host";
import { loadInventory } from "../inventory/load";
import { lookAt } from "./look";
import { type Finding, type Plan, findingOf, warningsOf, isUnasked, leavingOf, massRemovalOf, summaryOf, verdictsOf } from "./findings";

/**
 * During a preview: asks all hosts what they would do with their resources, while the engine works, and reports it on each resource.
 * Nothing on a host is changed. `folder` is the inventory's; `made` are further units, by id, that the program makes and no
 * inventory declares, so that no host can be asked about them. With `homelab:verify: false` nobody is asked.
 */
export function verify(folder: string, hosts: ManagedHost[], made: Record<string, HostResource<unknown, unknown>> = {}): void {
  const wanted = new pulumi.Config("homelab").getBoolean("verify") ?? true;
  // An error thrown here ends the program, and with that the preview.
  if (pulumi.runtime.isDryRun() && wanted) void ask(folder, hosts, made);
}

/** Raises a RunError when a host rejects what is planned; the engine alone does not fail for an error that is logged. */
async function ask(folder: string, hosts: ManagedHost[], made: Record<string, HostResource<unknown, unknown>>): Promise<void> {
  const { massRemoval } = loadInventory(folder);
  const names = hosts.map(({ config }) => config.name);
  const run = readerKey() === undefined ? await checkInventory(folder, names) : await lookAt(folder, hosts);
  const verdicts = verdictsOf(run, new Map(hosts.map(({ config, resources }) => [config.name, [...resources.keys()]])));
  const warnings = warningsOf(run);
  let refused = 0;
  for (const host of hosts) {
    const all = [...host.resources.keys()].map((id) => verdicts.get(id)!);
    tell(summaryOf(host.config.name, all), host);
    const mass = massRemoval ? undefined : massRemovalOf(run, host.config.name, host.resources.size, Object.keys(made));
    if (mass) {
      tell(mass, host);
      refused += 1;
    }
    for (const one of leavingOf(run, host.config.name, Object.keys(made))) tell(one, host);
    if (readerKey() !== undefined) tell({ severity: "info", message: LOOKED }, host);
    if (isUnasked(all)) continue;
    for (const [id, { resource, spec }] of host.resources) {
      const finding = findingOf(verdicts.get(id)!, await planOf(id, resource, spec));
      const found = [finding, ...(warnings.get(id) ?? []).map((message): Finding => ({ severity: "warn", message }))];
      // With --diff, Pulumi prints messages alone, without the resource that they are about.
      for (const one of found) if (one) tell({ ...one, message: `${id}: ${one.message}` }, resource);
      if (finding?.severity === "error") refused += 1;
    }
  }
  for (const [id, resource] of Object.entries(made))
    tell({ severity: "info", message: `${id}: unverified: it stands in no inventory` }, resource);
  if (refused > 0) throw refusal(refused);
}

const LOOKED = "this login can only look, so it is not known what the host would reject, nor what a change would disturb";

/** The program's own stack means nothing to a user. */
function refusal(count: number): pulumi.RunError {
  const error = new pulumi.RunError(
    `${count === 1 ? "one resource is" : `${count} resources are`} rejected by the hosts, see above; nothing was changed`,
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
async function planOf(id: string, resource: HostResource<unknown, unknown>, declared: object): Promise<Plan> {
  let plan: Plan = "planned";
  const plain: unknown = JSON.parse(JSON.stringify(declared));
  const isSame = (unit: unknown) => isDeepStrictEqual(completed(id.split("/")[1]!, unit as object), plain);
  pulumi.all([resource.unit, resource.drift]).apply(([unit]) => void (plan = isSame(unit) ? "same" : "left out"));
  await new Promise<string>((resolve) => resource.urn.apply((urn) => setImmediate(resolve, urn)));
  // Of one that is to be made what is declared is known; of one that is not even to be made, nothing.
  const { isKnown } = resource.unit as pulumi.Output<unknown> & { isKnown: Promise<boolean> };
  return plan === "planned" && !(await isKnown) ? "left out" : plan;
}
