import { type Definition, type KindName, definitions } from "../providers/kinds";
import { idOf } from "../providers/lifecycle";
import { type InventoryHost } from "./inventory/load";

/** A resource as an inventory declares it. */
export interface Declared {
  id: string;
  kind: KindName;
  spec: object;
}

/** All resources of a host, in the order of the kinds. */
export const declaredOn = (host: InventoryHost): Declared[] =>
  definitions.flatMap((kind) =>
    specsOf(host, kind).map((spec) => ({
      id: idOf({ kind: kind.name, host: host.name, unit: spec as Record<string, unknown> }),
      kind: kind.name,
      spec,
    })),
  );

function specsOf(host: InventoryHost, { list }: Definition): object[] {
  const declared = (host as unknown as Record<string, object | object[] | undefined>)[list];
  return [declared ?? []].flat();
}
