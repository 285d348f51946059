import * as pulumi from "@pulumi/pulumi";
import { type Definition, type HostResource, type ResourceArgs, type Target, idOf } from "@homelab/providers";
import { declaredOn } from "./declared";
import { type InventoryHost } from "./inventory/load";

/** The class of a kind's resources. */
interface ResourceClass<Args, T> {
  readonly kind: Pick<Definition, "name">;
  new (name: string, args: ResourceArgs<Args>, opts?: pulumi.CustomResourceOptions): T;
}

/** A resource of a host, and its configuration. */
export interface Composed {
  resource: HostResource<unknown, unknown>;
  spec: object;
}

/** The engine plans no removal of such a resource; the host would reject it. */
const isProtected = (spec: { protect?: boolean | undefined }): boolean => spec.protect === true;

/** Creates the resources of one host below its component, each named by its id. */
export class Composition {
  readonly resources = new Map<string, Composed>();
  readonly config: InventoryHost;
  /** The dependencies of the host's first resources. */
  readonly after: pulumi.Resource[];
  private readonly target: Target;

  constructor(
    private readonly parent: pulumi.Resource,
    { config, ...target }: Omit<Target, "host"> & { config: InventoryHost },
    dependsOn: pulumi.ComponentResourceOptions["dependsOn"],
  ) {
    this.config = config;
    this.target = { inventory: target.inventory, owner: target.owner, host: config.name, renamedFrom: config.homelab_renamed_from };
    this.after = [dependsOn ?? []].flat() as pulumi.Resource[];
  }

  /** The id of a resource of this host. */
  idOf(kind: Definition["name"], spec: object): string {
    return idOf({ kind, host: this.config.name, unit: spec as Record<string, unknown> });
  }

  /** Creates a resource that depends on others. */
  add<Args extends object, T extends HostResource<unknown, unknown>>(
    type: ResourceClass<Args, T>,
    spec: Args,
    dependsOn: pulumi.Resource[],
    more: pulumi.CustomResourceOptions = {},
  ): T {
    const id = this.idOf(type.kind.name, spec);
    const resource = new type(id, { ...this.target, unit: spec }, { parent: this.parent, dependsOn, protect: isProtected(spec), ...more });
    this.resources.set(id, { resource, spec });
    return resource;
  }

  /** The resources of these ids, as far as this host has them; another project's are not waited for. */
  existing(...ids: string[]): pulumi.Resource[] {
    return ids.flatMap((id) => this.resources.get(id)?.resource ?? []);
  }

  /** Throws when the inventory declares a resource that nothing composed: a kind that is in the table alone. */
  assertComplete(): void {
    const forgotten = declaredOn(this.config).filter(({ id }) => !this.resources.has(id));
    if (forgotten.length > 0) {
      const ids = forgotten.map(({ id }) => id).join(", ");
      throw new Error(`${ids}: declared, but components/host.ts composes no resource of kind ${forgotten[0]!.kind}`);
    }
  }
}
