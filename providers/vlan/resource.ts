import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type VlanArgs, type VlanSpec, vlan } from "./schema";

export type { VlanArgs, VlanSpec } from "./schema";

/** The facts that the host reports of it. */
export interface VlanFacts {
  address?: string;
  network?: string;
}

/** A VLAN on a bridge, with the host's address in it and its DHCP server, systemd.network(5). */
export class Vlan extends HostResource<VlanSpec, VlanFacts> {
  static readonly kind = vlan;

  constructor(name: string, args: ResourceArgs<VlanArgs>, opts?: pulumi.CustomResourceOptions) {
    super(vlan, name, args, opts);
  }
}
