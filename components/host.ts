import * as pulumi from "@pulumi/pulumi";
import { Bridge, Host, NftablesTable, PodmanSecret, QuadletUnit, ServiceUser, Sysctl, type Target, Vlan } from "@homelab/providers";
import { Composition } from "./composition";
import { composeGuests } from "./guests";
import { type InventoryHost } from "./inventory/load";
import { type Guest, type Network, type Service, guestOf, isService, networkOf, serviceOf } from "./outputs";
import { eachAfterWhatItUses, namesSecret } from "./quadlet-order";

const TYPE = "homelab:index:ManagedHost";

/** The arguments of a managed host: its inventory's configuration, and where that is. */
export interface ManagedHostArgs extends Omit<Target, "host"> {
  config: InventoryHost;
}

/**
 * One host with all its resources, in layers: the base; users, rules and bridges; VLANs and secrets; services and guests.
 * Within a layer, only Quadlet units and guests depend on those they name: a layer is one run of Ansible, which orders its
 * kinds itself. What `opts.dependsOn` names is ready before the base.
 */
export class ManagedHost extends pulumi.ComponentResource {
  readonly config: InventoryHost;
  /** Bridges, VLANs, nftables tables and kernel parameters, which guests and services of this host need. */
  readonly network: pulumi.Resource[];
  /** All its resources with their configuration, by id. */
  readonly resources: Composition["resources"];
  readonly networks: pulumi.Output<Network>[];
  /** Its guests, by name. */
  readonly machines: ReturnType<typeof composeGuests>;
  readonly guests: pulumi.Output<Guest>[];
  readonly services: pulumi.Output<Service>[];

  constructor(name: string, args: ManagedHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super(TYPE, name, {}, { ...opts, aliases: [...(opts?.aliases ?? []), ...aliasesOf(args.config)] });
    this.config = args.config;
    const composition = new Composition(this, args, opts?.dependsOn, formerUrn(args.config, opts?.parent));

    const base = composeBase(composition);
    const users = composeUsers(composition, base);
    const { network, vlans } = composeNetwork(composition, base);
    const machines = composeGuests(composition, base, network);
    const secrets = composeSecrets(composition, [...base, ...users]);
    const units = composeQuadletUnits(composition, [...base, ...network, ...users], secrets);
    composition.assertComplete();

    this.network = network;
    this.resources = composition.resources;
    this.machines = machines;
    this.networks = vlans.map((vlan) => networkOf(name, vlan));
    this.guests = [...machines.values()].map((domain) => guestOf(name, domain));
    this.services = units.filter((_, index) => isService(args.config.quadlet_units[index]!)).map((unit) => serviceOf(args.config, unit));
    this.registerOutputs();
  }
}

/** A host that was renamed is the same one, with all its resources. */
const aliasesOf = ({ homelab_renamed_from: former }: InventoryHost): { name: string }[] => (former === undefined ? [] : [{ name: former }]);

const formerUrn = ({ homelab_renamed_from: former }: InventoryHost, parent?: pulumi.Resource): pulumi.Output<string> | undefined =>
  former === undefined ? undefined : pulumi.createUrn(former, TYPE, parent);

function composeBase(composition: Composition): pulumi.Resource[] {
  const { homelab_host: base } = composition.config;
  return base === undefined ? composition.after : [composition.add(Host, base, composition.after)];
}

const composeUsers = (composition: Composition, base: pulumi.Resource[]): pulumi.Resource[] =>
  composition.config.service_users.map((user) => composition.add(ServiceUser, user, base));

/** A network starts once the rules that isolate it are in sync, and is removed before them. */
function composeNetwork(composition: Composition, base: pulumi.Resource[]): { network: pulumi.Resource[]; vlans: Vlan[] } {
  const { nftables_tables, bridges, vlans, sysctls } = composition.config;
  const tables = nftables_tables.map((table) => composition.add(NftablesTable, table, base));
  const links = bridges.map((bridge) => composition.add(Bridge, bridge, base));
  const made = vlans.map((vlan) => composition.add(Vlan, vlan, [...base, ...tables, ...links]));
  // A parameter may be one of a link.
  const parameters = sysctls.map((sysctl) => composition.add(Sysctl, sysctl, [...base, ...links, ...made]));
  return { network: [...links, ...made, ...tables, ...parameters], vlans: made };
}

const composeSecrets = (composition: Composition, after: pulumi.Resource[]): PodmanSecret[] =>
  composition.config.podman_secrets.map((secret) => composition.add(PodmanSecret, secret, after));

function composeQuadletUnits(composition: Composition, after: pulumi.Resource[], secrets: PodmanSecret[]): QuadletUnit[] {
  const { podman_secrets, quadlet_units } = composition.config;
  return eachAfterWhatItUses(quadlet_units, (unit, used: QuadletUnit[]) => {
    const named = secrets.filter((_, index) => namesSecret(unit, podman_secrets[index]!));
    return composition.add(QuadletUnit, unit, [...after, ...named, ...used]);
  });
}
