import * as pulumi from "@pulumi/pulumi";
import { Domain, Image, type Place, Pool, type UnitResource, Volume, idOf } from "@homelab/providers";
import { type InventoryHost } from "./inventory/load";

type Kind = "pool" | "image" | "volume" | "domain";

/**
 * A host's virtual machines with what they are made of. Each waits for its own volumes, and they for their own pool and image,
 * so that one that cannot be had keeps no other back.
 */
export function machinesOf(
  host: InventoryHost,
  at: Place,
  make: <T extends UnitResource<unknown, unknown>>(kind: Kind, unit: object, build: (id: string) => T) => T,
  behind: (dependsOn: pulumi.Resource[]) => pulumi.CustomResourceOptions,
  base: pulumi.Resource[],
  network: pulumi.Resource[],
): Map<string, Domain> {
  // What another project makes is not waited for.
  const all = new Map<string, pulumi.Resource>();
  const nameOf = (kind: Kind, unit: Record<string, unknown>): string => idOf({ kind, host: host.name, unit });
  const those = (...names: string[]): pulumi.Resource[] => names.flatMap((one) => all.get(one) ?? []);
  const made = <T extends UnitResource<unknown, unknown>>(kind: Kind, unit: object, build: (id: string) => T): void =>
    void make(kind, unit, (id) => {
      const resource = build(id);
      all.set(id, resource);
      return resource;
    });

  for (const unit of host.pools) made("pool", unit, (id) => new Pool(id, at, unit, behind(base)));
  for (const unit of host.images) made("image", unit, (id) => new Image(id, at, unit, behind(base)));
  for (const unit of host.volumes) {
    const from = those(nameOf("pool", { name: unit.pool }), ...(unit.image === undefined ? [] : [nameOf("image", { name: unit.image })]));
    made("volume", unit, (id) => new Volume(id, at, unit, behind([...base, ...from])));
  }
  const domains = host.domains.map((unit) => {
    const disks = unit.disks.flatMap(({ volume }) => {
      const [pool, file] = volume?.split("/") ?? [];
      return volume === undefined ? [] : those(nameOf("volume", { pool, name: file }));
    });
    // A domain that is renamed is the same resource: none is made, and none deleted.
    const aliases = unit.renamed_from === undefined ? [] : [{ name: nameOf("domain", { name: unit.renamed_from }) }];
    return make("domain", unit, (id) => new Domain(id, at, unit, { ...behind([...base, ...network, ...disks]), aliases }));
  });
  domains.forEach(tellWhatWaits);
  return new Map(host.domains.map((unit, index) => [unit.name, domains[index]!]));
}

/** A change that a running guest cannot take is in its definition only; whether it started since the last look, the state does not know. */
function tellWhatWaits(domain: Domain): void {
  domain.facts.apply((facts) => {
    const waiting = facts?.next_boot ?? [];
    if (waiting.length === 0) return;
    const message = `it gets ${waiting.join(", ")} when it starts next (as the last up or refresh saw it); \`restart: allowed\` lets an up restart it`;
    void pulumi.log.warn(message, domain);
  });
}
