import { idOf } from "../providers/lifecycle";
import { type KindName, kinds } from "../providers/kinds";
import { type HostVars } from "./inventory/schema";
import { type InventoryHost } from "./inventory/load";

/** A unit as an inventory declares it. */
export interface Declared {
  id: string;
  kind: KindName;
  unit: object;
}

/** The list of `host_vars` in which a kind's units stand. */
const LISTS = {
  "service-user": "service_users",
  "nftables-table": "nftables_tables",
  bridge: "bridges",
  vlan: "vlans",
  pool: "pools",
  image: "images",
  volume: "volumes",
  domain: "domains",
  "podman-secret": "podman_secrets",
  "quadlet-unit": "quadlet_units",
} as const satisfies Record<Exclude<KindName, "host">, keyof HostVars>;

/** All units of a host, in the order of the kinds. */
export function unitsOf(host: InventoryHost): Declared[] {
  const declared = (kind: KindName, unit: object): Declared => ({
    id: idOf({ kind, host: host.name, unit: unit as Record<string, unknown> }),
    kind,
    unit,
  });
  return (Object.keys(kinds) as KindName[]).flatMap((kind) => {
    const units: object[] = kind === "host" ? [host.homelab_host ?? []].flat() : host[LISTS[kind]];
    return units.map((unit) => declared(kind, unit));
  });
}
