import * as pulumi from "@pulumi/pulumi";
import { Domain, Image, Pool, Volume } from "@homelab/providers";
import { type Composition } from "./composition";
import { type HostVars } from "./inventory/schema";

/**
 * Composes a host's guests with what they consist of, by name. Each waits for its own volumes, and these for their own pool
 * and image, so that one that fails blocks no other.
 */
export function composeGuests(composition: Composition, base: pulumi.Resource[], network: pulumi.Resource[]): Map<string, Domain> {
  const { pools, images, volumes, domains } = composition.config;
  for (const pool of pools) composition.add(Pool, pool, base);
  for (const image of images) composition.add(Image, image, base);
  for (const volume of volumes) composition.add(Volume, volume, [...base, ...sourcesOf(composition, volume)]);
  const guests = domains.map((domain) => {
    const after = [...base, ...network, ...disksOf(composition, domain)];
    return composition.add(Domain, domain, after, { aliases: aliasesOf(composition, domain) });
  });
  guests.forEach(warnOfNextBoot);
  return new Map(domains.map(({ name }, index) => [name, guests[index]!]));
}

function sourcesOf(composition: Composition, { pool, image }: HostVars["volumes"][number]): pulumi.Resource[] {
  const ids = [composition.idOf("pool", { name: pool }), ...(image === undefined ? [] : [composition.idOf("image", { name: image })])];
  return composition.existing(...ids);
}

function disksOf(composition: Composition, { disks }: HostVars["domains"][number]): pulumi.Resource[] {
  const volumes = disks.flatMap(({ volume }) => volume ?? []);
  return composition.existing(
    ...volumes.map((volume) => {
      const [pool, name] = volume.split("/");
      return composition.idOf("volume", { pool, name });
    }),
  );
}

/** A domain that is renamed is the same resource: none is created, and none deleted. */
const aliasesOf = (composition: Composition, { renamed_from: former }: HostVars["domains"][number]): { name: string }[] =>
  former === undefined ? [] : [{ name: composition.idOf("domain", { name: former }) }];

/** A change that a running guest cannot take is in its definition only; state does not know whether it has started since. */
function warnOfNextBoot(domain: Domain): void {
  domain.facts.apply((facts) => {
    const waiting = facts?.next_boot ?? [];
    if (waiting.length === 0) return;
    const message = `it gets ${waiting.join(", ")} when it starts next (as of the last up or refresh); \`restart: allowed\` lets an up restart it`;
    void pulumi.log.warn(message, domain);
  });
}
