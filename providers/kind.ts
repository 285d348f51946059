import { type z } from "zod";

/** The definition of a kind of resources; kinds.ts is the table of all kinds. */
export interface Kind {
  /** Its name in ids, states and observers, such as `service-user`; with underscores it is the name of its role. */
  readonly name: string;
  /** The key under which an inventory declares its resources, such as `service_users`. */
  readonly list: string;
  /** Its resources in the plural, as tasks and messages call them. */
  readonly label: string;
  /** A description in one line, with the source of its rules. */
  readonly description: string;
  readonly schema: z.ZodType<object>;
  /** The disruption of a change of each property (docs/concepts/disruption.md), for the reference. */
  readonly disruption: Readonly<Record<string, string>>;
  /** A resource's name within its host and kind, the last part of its id. */
  nameOf(spec: object): string;
  /** There is one per host, declared as a mapping; its id is `<host>/<kind>`. */
  readonly single?: true;
  /** A change can disconnect the host: it is rolled back unless a new login confirms it. */
  readonly mayDisconnect?: true;
  /** Former keys by their path, such as `ports[].trunk`, with their present names; accepted for one version. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** The schema for inventories, where that is stricter than `schema`. */
  readonly inventorySchema?: z.ZodType<object>;
  /** The properties by which a resource names files; only an inventory's loader reads those. */
  filesOf?(spec: Record<string, unknown>): string[];
  /** The name that a resource had before, while its rename is declared. */
  formerNameOf?(spec: Record<string, unknown>): unknown;
  /** Takes a secret value out of a resource's inputs, before the engine stores them. */
  storeValue?(inputs: { unit: Record<string, unknown>; value?: string }): void;
  /** The secret value that was taken out of a resource's inputs. */
  secretValueOf?(spec: object): string | undefined;
}

/** Checks a kind's definition and keeps the types of its name, list and schema. */
export const defineKind = <const K extends Kind>(kind: K): K => kind;

/** The name of a kind's role, and of its modules in Python. */
export const roleOf = (name: string): string => name.replaceAll("-", "_");

/** The id of a resource, the same on every run: `<host>/<kind>/<name>`, or `<host>/<kind>` where there is one per host. */
export const idIn = (host: string, kind: Pick<Kind, "name" | "single">, name: string): string =>
  kind.single ? `${host}/${kind.name}` : `${host}/${kind.name}/${name}`;
