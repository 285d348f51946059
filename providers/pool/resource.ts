import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type PoolArgs, type PoolSpec, pool } from "./schema";

export type { PoolArgs, PoolSpec } from "./schema";

/** A storage pool of type `dir`: a folder for volumes, https://libvirt.org/formatstorage.html. */
export class Pool extends HostResource<PoolSpec> {
  static readonly kind = pool;

  constructor(name: string, args: ResourceArgs<PoolArgs>, opts?: pulumi.CustomResourceOptions) {
    super(pool, name, args, opts);
  }
}
