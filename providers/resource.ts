import * as pulumi from "@pulumi/pulumi";
import { type Kind } from "./kind";
import { shim } from "./shim";

/** Where a resource belongs: an inventory host, the inventory's folder (relative to the project), and the owner. */
export interface Target {
  host: pulumi.Input<string>;
  inventory: pulumi.Input<string>;
  owner: pulumi.Input<string>;
  /** The host's name in the inventory before. */
  renamedFrom?: pulumi.Input<string> | undefined;
}

/** The arguments of every resource: its target, and its configuration as an inventory declares it. */
export interface ResourceArgs<Spec> extends Target {
  unit: pulumi.Input<Spec>;
}

/** A resource on a host. `unit` is its configuration, `facts` what the host reports, `drift` how they differ. */
export abstract class HostResource<Spec, Facts = Record<string, unknown>> extends pulumi.dynamic.Resource {
  declare readonly host: pulumi.Output<string>;
  declare readonly unit: pulumi.Output<Spec>;
  declare readonly facts: pulumi.Output<Facts>;
  declare readonly drift: pulumi.Output<string[]>;

  protected constructor(
    kind: Pick<Kind, "name">,
    name: string,
    args: ResourceArgs<object> & { value?: pulumi.Input<string> | undefined },
    opts?: pulumi.CustomResourceOptions,
  ) {
    const { host, inventory, owner, unit, value, renamedFrom } = args;
    const secret = value === undefined ? {} : { value: pulumi.secret(value) };
    const renamed = renamedFrom === undefined ? {} : { renamedFrom };
    const props = { kind: kind.name, host, inventory, owner, unit, ...renamed, ...secret, facts: undefined, drift: undefined };
    super(shim, name, props, opts, "homelab", typeOf(kind.name));
  }
}

/** The last part of a resource's type in Pulumi: `QuadletUnit` of kind `quadlet-unit`. */
export const typeOf = (kind: string): string => kind.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
