import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type DomainArgs, type DomainSpec, domain } from "./schema";

export type { DomainArgs, DomainSpec } from "./schema";

/** The facts that the host reports of it. */
export interface DomainFacts {
  uuid?: string;
  macs?: string[];
  addresses?: string[];
  /** Set for a guest with cloud-init. */
  host_key?: string;
  /** The parts of its definition that it gets with its next boot. */
  next_boot?: string[];
}

/** A virtual machine, https://libvirt.org/formatdomain.html. */
export class Domain extends HostResource<DomainSpec, DomainFacts> {
  static readonly kind = domain;

  constructor(name: string, args: ResourceArgs<DomainArgs>, opts?: pulumi.CustomResourceOptions) {
    super(domain, name, args, opts);
  }
}
