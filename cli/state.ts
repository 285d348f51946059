import { idOf } from "../providers/lifecycle";
import { type KindName, kindNamed } from "../providers/kinds";
import { type Exported, exportOf, stackNames } from "../providers/pulumi/cli";

/** A unit as a stack's state holds it: what was applied last, or tried. */
export interface Held {
  stack: string;
  id: string;
  kind: KindName;
  host: string;
  /** The inventory's folder, relative to the project. */
  inventory: string;
  owner: string;
  unit: object;
}

const OURS = "pulumi-nodejs:dynamic/homelab:";

/** The units in a stack's state. The id of a domain that was renamed is that of its new name; the engine's own follows at a refresh. */
export const heldIn = (stack: string, { deployment }: Exported): Held[] =>
  (deployment?.resources ?? []).flatMap(({ type, id, outputs }) => {
    if (!type.startsWith(OURS) || id === undefined) return [];
    const held = (outputs ?? {}) as unknown as Held;
    return [{ ...held, stack, id: isRenamable(held) ? idOf(held as Parameters<typeof idOf>[0]) : id }];
  });

/** Only the id of a kind with a former name can be behind. */
const isRenamable = ({ kind, unit }: Held): boolean => kindNamed(kind).formerNameOf !== undefined && "name" in unit;

/** The units that a stack's state holds. Raises a UserError when it cannot be read. */
export const heldBy = async (stack: string): Promise<Held[]> => heldIn(stack, await exportOf(stack));

/** The units of all stacks in this project's backend, those of other projects too, and why some could not be read. */
export async function heldByAll(): Promise<{ held: Held[]; unread: string[] }> {
  const [held, unread]: [Held[], string[]] = [[], []];
  for (const stack of await stackNames()) {
    try {
      held.push(...(await heldBy(stack)));
    } catch (error) {
      unread.push((error as Error).message);
    }
  }
  return { held, unread };
}
