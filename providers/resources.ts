import * as pulumi from "@pulumi/pulumi";
import { type DomainUnit, type DomainUnitArgs } from "./domain/schema";
import { type HostUnit, type HostUnitArgs } from "./host/schema";
import { type BridgeUnit, type BridgeUnitArgs } from "./bridge/schema";
import { type VlanUnit, type VlanUnitArgs } from "./vlan/schema";
import { type PoolUnit, type PoolUnitArgs } from "./pool/schema";
import { type ImageUnit, type ImageUnitArgs } from "./image/schema";
import { type VolumeUnit, type VolumeUnitArgs } from "./volume/schema";
import { type NftablesTableUnit, type NftablesTableUnitArgs } from "./nftables-table/schema";
import { type ServiceUserUnit, type ServiceUserUnitArgs } from "./service-user/schema";
import { digestOf } from "./podman-secret/digest";
import { type PodmanSecretUnit, type PodmanSecretUnitArgs } from "./podman-secret/schema";
import { type QuadletUnit, type QuadletUnitArgs } from "./quadlet-unit/schema";
import { type KindName } from "./kinds";
import { shim } from "./shim";

/** Where a unit belongs: an inventory host, the inventory's folder (relative to the project), and the owner. */
export interface Place {
  host: pulumi.Input<string>;
  inventory: pulumi.Input<string>;
  owner: pulumi.Input<string>;
}

/** A unit on a host. `unit` is its configuration, `facts` what the host says of it, `drift` how they differ. */
export abstract class UnitResource<Unit, Facts = Record<string, unknown>> extends pulumi.dynamic.Resource {
  declare readonly host: pulumi.Output<string>;
  declare readonly unit: pulumi.Output<Unit>;
  declare readonly facts: pulumi.Output<Facts>;
  declare readonly drift: pulumi.Output<string[]>;

  protected constructor(
    kind: KindName,
    type: string,
    name: string,
    place: Place,
    unit: pulumi.Input<object>,
    opts?: pulumi.CustomResourceOptions,
    more: pulumi.Inputs = {},
  ) {
    super(shim, name, { kind, ...place, unit, ...more, facts: undefined, drift: undefined }, opts, "homelab", type);
  }
}

/** The base of a host: packages, networkd, rules at boot, forwarding. */
export class Host extends UnitResource<HostUnit> {
  constructor(name: string, place: Place, unit: pulumi.Input<HostUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("host", "Host", name, place, unit, opts);
  }
}

/** A VLAN-filtering bridge with its ports, systemd.netdev(5). */
export class Bridge extends UnitResource<BridgeUnit> {
  constructor(name: string, place: Place, unit: pulumi.Input<BridgeUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("bridge", "Bridge", name, place, unit, opts);
  }
}

/** What the host says of a VLAN. */
export interface VlanFacts {
  address?: string;
  network?: string;
}

/** A VLAN on a bridge, with the host's address in it and its DHCP server, systemd.network(5). */
export class Vlan extends UnitResource<VlanUnit, VlanFacts> {
  constructor(name: string, place: Place, unit: pulumi.Input<VlanUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("vlan", "Vlan", name, place, unit, opts);
  }
}

/** A storage pool: a folder for volumes. */
export class Pool extends UnitResource<PoolUnit> {
  constructor(name: string, place: Place, unit: pulumi.Input<PoolUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("pool", "Pool", name, place, unit, opts);
  }
}

/** What the host says of an image. */
export interface ImageFacts {
  path?: string;
}

/** An image, fetched once: what new volumes are copies of. */
export class Image extends UnitResource<ImageUnit, ImageFacts> {
  constructor(name: string, place: Place, unit: pulumi.Input<ImageUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("image", "Image", name, place, unit, opts);
  }
}

/** What the host says of a volume. */
export interface VolumeFacts {
  path?: string;
  format?: string;
  size?: string;
}

/** A guest's disk, as a file of a pool. */
export class Volume extends UnitResource<VolumeUnit, VolumeFacts> {
  constructor(name: string, place: Place, unit: pulumi.Input<VolumeUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("volume", "Volume", name, place, unit, opts);
  }
}

/** What the host says of a domain. `host_key` is that of a guest with a seed; `next_boot` names the parts of its definition that it gets with its next boot. */
export interface DomainFacts {
  uuid?: string;
  macs?: string[];
  addresses?: string[];
  host_key?: string;
  next_boot?: string[];
}

/** A virtual machine. */
export class Domain extends UnitResource<DomainUnit, DomainFacts> {
  constructor(name: string, place: Place, unit: pulumi.Input<DomainUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("domain", "Domain", name, place, unit, opts);
  }
}

/** One nftables table that is ours as a whole, nft(8). */
export class NftablesTable extends UnitResource<NftablesTableUnit> {
  constructor(name: string, place: Place, unit: pulumi.Input<NftablesTableUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("nftables-table", "NftablesTable", name, place, unit, opts);
  }
}

/** A user that runs rootless services. */
export class ServiceUser extends UnitResource<ServiceUserUnit> {
  constructor(name: string, place: Place, unit: pulumi.Input<ServiceUserUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("service-user", "ServiceUser", name, place, unit, opts);
  }
}

/**
 * A Podman secret. The one of an inventory has `from` and `digest`, and its value stays in the vault. A program gives
 * the value itself, such as another resource's secret output: what stands in state then is its HMAC under `key`,
 * a secret text of at least 16 random characters; neither value nor key is kept. The engine's own verbose logs
 * (`-v`) may show what a program hands it; those of the vault never pass the engine.
 */
export class PodmanSecret extends UnitResource<PodmanSecretUnit> {
  constructor(
    name: string,
    place: Place,
    unit: PodmanSecretUnitArgs,
    opts?: pulumi.CustomResourceOptions,
    given?: { value: pulumi.Input<string>; key: pulumi.Input<string> },
  ) {
    const { value, key } = given ?? {};
    const digest = given && pulumi.unsecret(pulumi.all([key, value]).apply(([key, value]) => digestOf(key!, value!)));
    super("podman-secret", "PodmanSecret", name, place, given ? { ...unit, digest } : unit, opts, given && { value: pulumi.secret(value) });
  }
}

/** What the host says of a Quadlet unit. */
export interface QuadletFacts {
  service?: string;
  active?: string;
  ports?: { host_ip: string; host_port: string | number; container_port: string | number; protocol: string }[];
}

/** A Quadlet unit with its drop-ins and files, podman-systemd.unit(5). */
export class Quadlet extends UnitResource<QuadletUnit, QuadletFacts> {
  constructor(name: string, place: Place, unit: pulumi.Input<QuadletUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super("quadlet-unit", "QuadletUnit", name, place, unit, opts);
  }
}
