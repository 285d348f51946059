import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type QuadletUnitArgs, type QuadletUnitSpec, quadletUnit } from "./schema";

export type { QuadletUnitArgs, QuadletUnitSpec } from "./schema";

/** The facts that the host reports of it. */
export interface QuadletUnitFacts {
  service?: string;
  active?: string;
  ports?: { host_ip: string; host_port: string | number; container_port: string | number; protocol: string }[];
}

/** A Quadlet unit with its drop-ins and the files that it mounts or reads, podman-systemd.unit(5). */
export class QuadletUnit extends HostResource<QuadletUnitSpec, QuadletUnitFacts> {
  static readonly kind = quadletUnit;

  constructor(name: string, args: ResourceArgs<QuadletUnitArgs>, opts?: pulumi.CustomResourceOptions) {
    super(quadletUnit, name, args, opts);
  }
}
