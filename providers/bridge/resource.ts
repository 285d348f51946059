import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type BridgeArgs, type BridgeSpec, bridge } from "./schema";

export type { BridgeArgs, BridgeSpec } from "./schema";

/** A VLAN-filtering bridge with its ports, systemd.netdev(5). */
export class Bridge extends HostResource<BridgeSpec> {
  static readonly kind = bridge;

  constructor(name: string, args: ResourceArgs<BridgeArgs>, opts?: pulumi.CustomResourceOptions) {
    super(bridge, name, args, opts);
  }
}
