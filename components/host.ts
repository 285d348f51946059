import * as pulumi from "@pulumi/pulumi";
import {
  Bridge,
  type Domain,
  Host,
  NftablesTable,
  type Place,
  PodmanSecret,
  Quadlet,
  ServiceUser,
  type UnitResource,
  Vlan,
  idOf,
} from "@homelab/providers";
import { type InventoryHost } from "./inventory/load";
import { machinesOf } from "./machines";
import { eachAfterWhatItUses, namesSecret } from "./quadlet-order";
import { type Guest, type Network, type Service, guestOf, networkOf, isService, serviceOf } from "./outputs";

type Options = { parent: pulumi.Resource; dependsOn: pulumi.Resource[] };

/**
 * One host with all its units, in layers: the base; users, rules and bridges; VLANs, secrets; services, and virtual machines (machines.ts). Within a layer only
 * Quadlet units depend on those they name; a layer is one run of Ansible, which orders its kinds itself.
 */
export class ManagedHost extends pulumi.ComponentResource {
  readonly config: InventoryHost;
  readonly network: pulumi.Resource[];
  /** All its units as they are declared, by id. */
  readonly units = new Map<string, { resource: UnitResource<unknown, unknown>; unit: object }>();
  readonly networks: pulumi.Output<Network>[];
  /** Its virtual machines, by name. */
  readonly machines: Map<string, Domain>;
  readonly guests: pulumi.Output<Guest>[];
  readonly services: pulumi.Output<Service>[];

  constructor(host: InventoryHost, place: Omit<Place, "host">, after: pulumi.Resource[]) {
    super("homelab:index:ManagedHost", host.name, {});
    this.config = host;
    const at: Place = { ...place, host: host.name };
    const made = <T extends UnitResource<unknown, unknown>>(
      kind: Parameters<typeof idOf>[0]["kind"],
      unit: object,
      make: (id: string) => T,
    ): T => {
      const id = idOf({ kind, host: host.name, unit: unit as Record<string, unknown> });
      const resource = make(id);
      this.units.set(id, { resource, unit });
      return resource;
    };
    const behind = (dependsOn: pulumi.Resource[]): Options => ({ parent: this, dependsOn });

    const base = host.homelab_host ? [made("host", host.homelab_host, (id) => new Host(id, at, host.homelab_host!, behind(after)))] : after;
    const users = host.service_users.map((unit) => made("service-user", unit, (id) => new ServiceUser(id, at, unit, behind(base))));
    const tables = host.nftables_tables.map((unit) => made("nftables-table", unit, (id) => new NftablesTable(id, at, unit, behind(base))));
    const bridges = host.bridges.map((unit) => made("bridge", unit, (id) => new Bridge(id, at, unit, behind(base))));
    // A network comes up when the rules that keep it apart hold, and goes before them.
    const kept = [...base, ...tables, ...bridges];
    const vlans = host.vlans.map((unit) => made("vlan", unit, (id) => new Vlan(id, at, unit, behind(kept))));
    this.network = [...bridges, ...vlans, ...tables];
    this.machines = machinesOf(host, at, made, behind, base, this.network);
    const ready = [...base, ...this.network, ...users];
    const secrets = host.podman_secrets.map((unit) =>
      made("podman-secret", unit, (id) => new PodmanSecret(id, at, unit, behind([...base, ...users]))),
    );
    const units = eachAfterWhatItUses(host.quadlet_units, (unit, used: Quadlet[]) => {
      const named = secrets.filter((_, index) => namesSecret(unit, host.podman_secrets[index]!));
      return made("quadlet-unit", unit, (id) => new Quadlet(id, at, unit, behind([...ready, ...named, ...used])));
    });
    this.networks = vlans.map((vlan) => networkOf(host.name, vlan));
    this.guests = [...this.machines.values()].map((domain) => guestOf(host.name, domain));
    this.services = units.flatMap((unit, index) => (isService(host.quadlet_units[index]!) ? [serviceOf(host, unit)] : []));
    this.registerOutputs();
  }
}
