import { z } from "zod";
import * as domain from "./domain/schema";
import * as bridge from "./bridge/schema";
import * as image from "./image/schema";
import * as host from "./host/schema";
import * as nftablesTable from "./nftables-table/schema";
import * as podmanSecret from "./podman-secret/schema";
import * as pool from "./pool/schema";
import * as quadletUnit from "./quadlet-unit/schema";
import * as serviceUser from "./service-user/schema";
import * as vlan from "./vlan/schema";
import * as volume from "./volume/schema";

/** What the shared life cycle needs to know of a kind. */
export interface Kind {
  readonly schema: z.ZodType<object>;
  readonly nameOf: (unit: never) => string;
}

/** Every kind by the name that ids, roles and observers use, in the order in which a host needs them. */
export const kinds = {
  host,
  "service-user": serviceUser,
  "nftables-table": nftablesTable,
  bridge,
  vlan,
  pool,
  image,
  volume,
  domain,
  "podman-secret": podmanSecret,
  "quadlet-unit": quadletUnit,
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

/** A unit that a state holds, with the defaults that came since it was written; as it is where it is none any longer. */
export function completed(kind: string, unit: object): object {
  const parsed = kindNamed(kind).schema.safeParse(unit);
  return parsed.success ? parsed.data : unit;
}

/** The kind of that name. Throws when there is none, as with a state written by newer code. */
export function kindNamed(name: string): Kind {
  const kind = (kinds as Record<string, Kind>)[name];
  if (kind === undefined) {
    throw new Error(`This version knows no kind "${name}". Known: ${Object.keys(kinds).join(", ")}.`);
  }
  return kind;
}
