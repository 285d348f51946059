import * as pulumi from "@pulumi/pulumi";
import { Domain, Image, type Place, Pool, Volume, idOf } from "@homelab/providers";
import { type InventoryHost } from "./inventory/load";

/**
 * A host's virtual machines with what they are made of. Each waits for its own volumes, and they for their own pool and image,
 * so that one that cannot be had keeps no other back.
 */
export function machinesOf(
  host: InventoryHost,
  at: Place,
  behind: (dependsOn: pulumi.Resource[]) => pulumi.CustomResourceOptions,
  base: pulumi.Resource[],
  network: pulumi.Resource[],
): Map<string, Domain> {
  const name = (kind: "pool" | "image" | "volume" | "domain", unit: object): string =>
    idOf({ kind, host: host.name, unit: unit as Record<string, unknown> });
  // What another project makes is not waited for.
  const all = new Map<string, pulumi.Resource>();
  const those = (...names: string[]): pulumi.Resource[] => names.flatMap((one) => all.get(one) ?? []);
  const made = <T extends pulumi.Resource>(id: string, make: (id: string) => T): T => {
    const resource = make(id);
    all.set(id, resource);
    return resource;
  };

  for (const unit of host.pools) made(name("pool", unit), (id) => new Pool(id, at, unit, behind(base)));
  for (const unit of host.images) made(name("image", unit), (id) => new Image(id, at, unit, behind(base)));
  for (const unit of host.volumes) {
    const from = those(name("pool", { name: unit.pool }), ...(unit.image === undefined ? [] : [name("image", { name: unit.image })]));
    made(name("volume", unit), (id) => new Volume(id, at, unit, behind([...base, ...from])));
  }
  const domains = host.domains.map((unit) => {
    const disks = unit.disks.flatMap(({ volume }) => {
      const [pool, file] = volume?.split("/") ?? [];
      return volume === undefined ? [] : those(name("volume", { pool, name: file }));
    });
    // A domain that is renamed is the same resource: none is made, and none deleted.
    const aliases = unit.renamed_from === undefined ? [] : [{ name: name("domain", { name: unit.renamed_from }) }];
    return new Domain(name("domain", unit), at, unit, { ...behind([...base, ...network, ...disks]), aliases });
  });
  domains.forEach(tellWhatWaits);
  return new Map(host.domains.map((unit, index) => [unit.name, domains[index]!]));
}

/** A change that a running guest cannot take is in its definition only. */
function tellWhatWaits(domain: Domain): void {
  domain.facts.apply((facts) => {
    const waiting = facts?.next_boot ?? [];
    if (waiting.length === 0) return;
    const message = `it gets ${waiting.join(", ")} when it starts next; \`restart: allowed\` lets an up restart it`;
    void pulumi.log.warn(message, domain);
  });
}
