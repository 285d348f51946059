import { nameOf as secretName } from "../../providers/podman-secret/schema";
import { nameOf as quadletName } from "../../providers/quadlet-unit/schema";
import { type InventoryHost } from "../inventory/load";
import { namesSecret, uses } from "../quadlet-order";

type Quadlet = InventoryHost["quadlet_units"][number];

/** What else of a host a change of one of its units reaches: what is plugged into it, runs as it, or uses it. Names as in resources' ids. */
export function touchedBy(host: InventoryHost, kind: string, name: string): string[] {
  switch (kind) {
    case "bridge":
      return host.vlans.filter(({ bridge }) => bridge === name).map((vlan) => `vlan/${vlan.name}`);
    case "service-user":
      return quadlets(host, ({ user }) => user === name);
    case "podman-secret": {
      const secret = host.podman_secrets.find((one) => secretName(one) === name);
      return secret === undefined ? [] : quadlets(host, (unit) => namesSecret(unit, secret));
    }
    case "quadlet-unit": {
      const changed = host.quadlet_units.find((one) => quadletName(one) === name);
      return changed === undefined ? [] : quadlets(host, (unit) => unit !== changed && uses(unit, changed));
    }
    default:
      return [];
  }
}

const quadlets = (host: InventoryHost, which: (unit: Quadlet) => boolean): string[] =>
  host.quadlet_units.filter(which).map((unit) => `quadlet-unit/${quadletName(unit)}`);
