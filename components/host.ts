import * as pulumi from "@pulumi/pulumi";
import { Bridge, Host, NftablesTable, type Place, PodmanSecret, Quadlet, ServiceUser, Vlan, idOf } from "@homelab/providers";
import { type InventoryHost } from "./inventory/load";
import { eachAfterWhatItUses, namesSecret } from "./quadlet-order";
import { type Network, type Service, networkOf, isService, serviceOf } from "./outputs";

type Options = { parent: pulumi.Resource; dependsOn: pulumi.Resource[] };

/**
 * One host with all its units, in layers: the base; users, rules and bridges; VLANs, secrets; services. Within a layer only
 * Quadlet units depend on those they name; a layer is one run of Ansible, which orders its kinds itself.
 */
export class ManagedHost extends pulumi.ComponentResource {
  readonly network: pulumi.Resource[];
  readonly networks: pulumi.Output<Network>[];
  readonly services: pulumi.Output<Service>[];

  constructor(host: InventoryHost, place: Omit<Place, "host">, after: pulumi.Resource[]) {
    super("homelab:index:ManagedHost", host.name, {});
    const at: Place = { ...place, host: host.name };
    const name = (kind: Parameters<typeof idOf>[0]["kind"], unit: object): string =>
      idOf({ kind, host: host.name, unit: unit as Record<string, unknown> });
    const behind = (dependsOn: pulumi.Resource[]): Options => ({ parent: this, dependsOn });

    const base = host.homelab_host ? [new Host(name("host", {}), at, host.homelab_host, behind(after))] : after;
    const users = host.service_users.map((unit) => new ServiceUser(name("service-user", unit), at, unit, behind(base)));
    const tables = host.nftables_tables.map((unit) => new NftablesTable(name("nftables-table", unit), at, unit, behind(base)));
    const bridges = host.bridges.map((unit) => new Bridge(name("bridge", unit), at, unit, behind(base)));
    // A network comes up when the rules that keep it apart hold, and goes before them.
    const kept = [...base, ...tables, ...bridges];
    const vlans = host.vlans.map((unit) => new Vlan(name("vlan", unit), at, unit, behind(kept)));
    this.network = [...bridges, ...vlans, ...tables];
    const ready = [...base, ...this.network, ...users];
    const secrets = host.podman_secrets.map((unit) => new PodmanSecret(name("podman-secret", unit), at, unit, behind([...base, ...users])));
    const units = eachAfterWhatItUses(host.quadlet_units, (unit, used: Quadlet[]) => {
      const named = secrets.filter((_, index) => namesSecret(unit, host.podman_secrets[index]!));
      return new Quadlet(name("quadlet-unit", unit), at, unit, behind([...ready, ...named, ...used]));
    });
    this.networks = vlans.map((vlan) => networkOf(host.name, vlan));
    this.services = units.flatMap((unit, index) => (isService(host.quadlet_units[index]!) ? [serviceOf(host, unit)] : []));
    this.registerOutputs();
  }
}
