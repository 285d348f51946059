import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type ServiceUserArgs, type ServiceUserSpec, serviceUser } from "./schema";

export type { ServiceUserArgs, ServiceUserSpec } from "./schema";

/** A user that runs rootless services and cannot log in, useradd(8), subuid(5). */
export class ServiceUser extends HostResource<ServiceUserSpec> {
  static readonly kind = serviceUser;

  constructor(name: string, args: ResourceArgs<ServiceUserArgs>, opts?: pulumi.CustomResourceOptions) {
    super(serviceUser, name, args, opts);
  }
}
