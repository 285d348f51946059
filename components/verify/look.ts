import { type Event, type ResourceResult, type Run, closeConnections, observe } from "@homelab/providers";
import { loadInventory } from "../inventory/load";
import { type ManagedHost } from "../host";

/**
 * What observers alone tell of an inventory's resources, in the form of a run: for a login that can only look. Whether a host
 * would reject a change, and what the change disturbs, only its roles know.
 */
export async function lookAt(folder: string, hosts: ManagedHost[]): Promise<Run> {
  const { owner } = loadInventory(folder);
  const events = await Promise.all(hosts.flatMap((host) => eventsOf(folder, owner, host)));
  await closeConnections();
  return { code: 0, events, output: "" };
}

const eventsOf = (inventory: string, owner: string, { config, resources }: ManagedHost): Promise<Event>[] =>
  [...resources].map(async ([id, { spec }]): Promise<Event> => {
    const [host, kind] = [config.name, id.split("/")[1]!];
    const result = await resultOf({ kind, host, inventory, owner, unit: spec }, id);
    return { event: "result", host, kind, resources: [result] };
  });

async function resultOf(wanted: Parameters<typeof observe>[0], id: string): Promise<ResourceResult> {
  const none = { name: id.split("/").slice(2).join("/") || wanted.kind, failed: false, present: false, msg: "", facts: {} };
  try {
    const seen = await observe(wanted);
    const diff = seen.present ? seen.differences : "create";
    return { ...none, name: seen.name, present: seen.present, changed: diff !== "", diff, facts: seen.facts };
  } catch (error) {
    // In check mode, too, a text beside a change is the reason why the host could not be asked.
    return { ...none, changed: true, diff: "", msg: (error as Error).message };
  }
}
