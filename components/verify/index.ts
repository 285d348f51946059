import * as pulumi from "@pulumi/pulumi";
import { type UnitResource, checkInventory } from "@homelab/providers";
import { type ManagedHost } from "../host";
import { type Finding, findingOf, resultsOf, unaskedOf } from "./findings";
import { touchedBy } from "./touches";

/**
 * During a preview: asks all hosts what they would make of their units, while the engine works, and says it of each resource.
 * A refusal fails the preview; nothing on a host is changed. `folder` is the inventory's.
 */
export async function verify(folder: string, hosts: ManagedHost[]): Promise<void> {
  // The engine would end the preview when the program has nothing more to say.
  const done = pulumi.runtime.rpcKeepAlive();
  try {
    const names = hosts.map(({ config }) => config.name);
    const run = await checkInventory(folder, names);
    for (const [name, reason] of unaskedOf(run, names)) {
      const host = hosts.find(({ config }) => config.name === name);
      tell({ severity: "warn", message: `not verified, since ${name} could not be asked: ${reason}` }, host);
    }
    const results = resultsOf(run);
    for (const host of hosts) {
      for (const unit of host.units) {
        const { isPlanned, id } = await planOf(unit);
        const [, kind, ...name] = id.split("/");
        const result = results.get(id);
        if (result) tell(findingOf(result, isPlanned, touchedBy(host.config, kind!, name.join("/"))), unit);
      }
    }
  } finally {
    done();
  }
}

function tell({ severity, message }: Finding, resource?: pulumi.Resource): void {
  void pulumi.log[severity](message, resource);
}

/** Whether the engine is going to do something about a resource: in a preview the outputs of one that stays are known. */
async function planOf(unit: UnitResource<unknown, unknown>): Promise<{ isPlanned: boolean; id: string }> {
  let isPlanned = true;
  unit.drift.apply(() => void (isPlanned = false));
  const urn = await new Promise<string>((resolve) => unit.urn.apply((urn) => setImmediate(resolve, urn)));
  return { isPlanned, id: urn.split("::").at(-1)! };
}
