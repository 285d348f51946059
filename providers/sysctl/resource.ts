import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type SysctlArgs, type SysctlSpec, sysctl } from "./schema";

export type { SysctlArgs, SysctlSpec } from "./schema";

/** Kernel parameters, as a file of sysctl.d(5) that is applied at once. */
export class Sysctl extends HostResource<SysctlSpec> {
  static readonly kind = sysctl;

  constructor(name: string, args: ResourceArgs<SysctlArgs>, opts?: pulumi.CustomResourceOptions) {
    super(sysctl, name, args, opts);
  }
}
