import { createHash } from "node:crypto";
import { numberOf, rangeOf, textOf } from "../../providers/vlan/ipv4";
import { type HostVars } from "./schema";

/**
 * The address of a guest's interface that has none: made of its name, in its VLAN's network, outside of what is handed out to anybody.
 * module_utils/homelab/addresses.py makes the same; test/inventory/addresses.yml holds both together.
 */
export function derived(name: string, network: string, pool: [from: string, to: string]): string {
  const { first, last } = rangeOf(network);
  const count = last - first - 1;
  const start = parseInt(createHash("sha256").update(name).digest("hex").slice(0, 8), 16);
  const [own, from, to] = [network.split("/")[0]!, ...pool].map(numberOf) as [number, number, number];
  for (let step = 0; step < count; step++) {
    const address = first + 1 + ((start + step) % count);
    if (address !== own && (address < from || address > to)) return textOf(address);
  }
  return "";
}

/** A host's domains with the addresses that are handed out to them, so that a preview shows them. */
export function withAddresses({ domains, vlans }: HostVars): HostVars["domains"] {
  return domains.map((domain) => ({
    ...domain,
    interfaces: domain.interfaces.map((one, index, all) => {
      const vlan = vlans.find(({ bridge, id }) => bridge === one.bridge && id === one.vlan);
      if (one.address !== "auto" || vlan?.address === undefined || vlan.dhcp === undefined) return one;
      // Its number is that within its VLAN, so that one in another VLAN comes and goes without a trace.
      const number = all.slice(0, index).filter(({ bridge, vlan: id }) => bridge === one.bridge && id === one.vlan).length;
      return { ...one, address: derived(`${domain.name}/${number}`, vlan.address, [vlan.dhcp.from, vlan.dhcp.to]) };
    }),
  }));
}
