import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type VolumeArgs, type VolumeSpec, volume } from "./schema";

export type { VolumeArgs, VolumeSpec } from "./schema";

/** The facts that the host reports of it. */
export interface VolumeFacts {
  path?: string;
  format?: string;
  size?: string;
}

/** A guest's disk, as a file of a pool. It grows in place, and is never shrunk or overwritten. */
export class Volume extends HostResource<VolumeSpec, VolumeFacts> {
  static readonly kind = volume;

  constructor(name: string, args: ResourceArgs<VolumeArgs>, opts?: pulumi.CustomResourceOptions) {
    super(volume, name, args, opts);
  }
}
