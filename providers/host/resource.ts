import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type HostArgs, type HostSpec, host } from "./schema";

export type { HostArgs, HostSpec } from "./schema";

/** The base of a host: packages, networkd, rules at boot, forwarding. There is one per host. */
export class Host extends HostResource<HostSpec> {
  static readonly kind = host;

  constructor(name: string, args: ResourceArgs<HostArgs>, opts?: pulumi.CustomResourceOptions) {
    super(host, name, args, opts);
  }
}
