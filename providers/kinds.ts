import { Bridge } from "./bridge/resource";
import { Domain } from "./domain/resource";
import { Host } from "./host/resource";
import { Image } from "./image/resource";
import { type Kind, idIn, roleOf } from "./kind";
import { NftablesTable } from "./nftables-table/resource";
import { PodmanSecret } from "./podman-secret/resource";
import { Pool } from "./pool/resource";
import { QuadletUnit } from "./quadlet-unit/resource";
import { ServiceUser } from "./service-user/resource";
import { Sysctl } from "./sysctl/resource";
import { Vlan } from "./vlan/resource";
import { Volume } from "./volume/resource";

/**
 * The one table of kinds: their resources, in the order in which a host needs them. All else follows from it, or is
 * generated (scripts/generate).
 */
export const resources = {
  Host,
  ServiceUser,
  NftablesTable,
  Bridge,
  Vlan,
  Sysctl,
  Pool,
  Image,
  Volume,
  Domain,
  PodmanSecret,
  QuadletUnit,
} as const;

type Table = (typeof resources)[keyof typeof resources]["kind"];

export type KindName = Table["name"];
/** The definition of the kind of that name. */
export type KindOf<Name extends KindName> = Extract<Table, { name: Name }>;
/** Any kind, as shared code sees it. */
export type Definition = Kind & { name: KindName };

/** All kinds in the order in which a host needs them. */
export const definitions = Object.values(resources).map(({ kind }) => kind) as unknown as readonly Definition[];

/** Every kind by its name. */
export const kinds = Object.fromEntries(definitions.map((kind) => [kind.name, kind])) as unknown as { [Name in KindName]: KindOf<Name> };

/** The kind of that name. Throws when there is none, as with a state written by newer code. */
export function kindNamed(name: string): Definition {
  const kind = definitions.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`This version has no kind "${name}". Known: ${Object.keys(kinds).join(", ")}.`);
  return kind;
}

/** A resource's configuration from a state, with present keys and the defaults that came since; unchanged where it is invalid now. */
export function completed(kind: string, unit: object): object {
  const { schema, renamed } = kindNamed(kind);
  const parsed = schema.safeParse(withPresentKeys(renamed ?? {}, unit).value);
  return parsed.success ? parsed.data : unit;
}

/** A former key that was replaced: the path of its mapping, the key, and its present name. */
export interface RenamedKey {
  path: PropertyKey[];
  former: string;
  present: string;
}

/** A configuration with its former keys under their present names, and which these were. One that has both keeps both. */
export function withPresentKeys(renamed: Readonly<Record<string, string>>, value: unknown): { value: unknown; found: RenamedKey[] } {
  const copy = structuredClone(value);
  const found = Object.entries(renamed).flatMap(([path, present]) => {
    const parents = path.split(".");
    const former = parents.pop()!;
    return mappingsAt(copy, parents, []).flatMap(([mapping, at]) => {
      if (!(former in mapping) || present in mapping) return [];
      mapping[present] = mapping[former];
      Reflect.deleteProperty(mapping, former);
      return [{ path: at, former, present }];
    });
  });
  return { value: copy, found };
}

/** The mappings at a path such as `ports[]`, each with where it is. */
function mappingsAt(value: unknown, parents: string[], at: PropertyKey[]): [Record<string, unknown>, PropertyKey[]][] {
  if (typeof value !== "object" || value === null) return [];
  const [first, ...rest] = parents;
  if (first === undefined) return Array.isArray(value) ? [] : [[value as Record<string, unknown>, at]];
  const name = first.replace(/\[\]$/, "");
  const inner = (value as Record<string, unknown>)[name];
  if (!Array.isArray(inner)) return mappingsAt(inner, rest, [...at, name]);
  return inner.flatMap((one, index) => mappingsAt(one, rest, [...at, name, index]));
}

export { idIn, roleOf };
export * from "./host/resource";
export * from "./service-user/resource";
export * from "./nftables-table/resource";
export * from "./bridge/resource";
export * from "./vlan/resource";
export * from "./sysctl/resource";
export * from "./pool/resource";
export * from "./image/resource";
export * from "./volume/resource";
export * from "./domain/resource";
export * from "./podman-secret/resource";
export * from "./quadlet-unit/resource";
