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
    /** The URN of the component under the host's former name. */
    private readonly formerParent?: pulumi.Output<string>,
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
    const aliases = [...(more.aliases ?? []), ...this.formerOf(type.kind.name, spec)];
    const opts = { parent: this.parent, dependsOn, protect: isProtected(spec), ...more, aliases };
    const resource = new type(id, { ...this.target, unit: spec }, opts);
    this.resources.set(id, { resource, spec });
    return resource;
  }

  /** A resource of a host that was renamed is the same one; the engine passes a parent's aliases on only where it used them itself. */
  private formerOf(kind: Definition["name"], spec: object): pulumi.Alias[] {
    const { homelab_renamed_from: host } = this.config;
    if (host === undefined || this.formerParent === undefined) return [];
    return [{ name: idOf({ kind, host, unit: spec as Record<string, unknown> }), parent: this.formerParent }];
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
