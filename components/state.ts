import { execFile } from "node:child_process";
import { UserError } from "../providers/errors";
import { type KindName } from "../providers/kinds";

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

interface Exported {
  deployment?: { resources?: { type: string; id?: string; outputs?: Record<string, unknown> }[] | null } | null;
}

const OURS = "pulumi-nodejs:dynamic/homelab:";

/** The units in what `pulumi stack export` prints. */
export const heldIn = (stack: string, { deployment }: Exported): Held[] =>
  (deployment?.resources ?? []).flatMap(({ type, id, outputs }) =>
    type.startsWith(OURS) && id !== undefined ? [{ ...(outputs as unknown as Held), stack, id }] : [],
  );

/** The units that a stack's state holds. Raises a UserError with Pulumi's own words when it cannot be read. */
export async function heldBy(stack: string): Promise<Held[]> {
  return heldIn(stack, JSON.parse(await pulumi("stack", "export", "--stack", stack)) as Exported);
}

/** The units of all stacks in this project's backend, those of other projects too, and why some could not be read. */
export async function heldByAll(): Promise<{ held: Held[]; unread: string[] }> {
  const stacks = JSON.parse(await pulumi("stack", "ls", "--all", "--json")) as { name: string }[];
  const [held, unread]: [Held[], string[]] = [[], []];
  for (const { name } of stacks) {
    try {
      held.push(...(await heldBy(name)));
    } catch (error) {
      unread.push((error as Error).message);
    }
  }
  return { held, unread };
}

/** What the CLI prints. It is asked for nothing that is secret, and needs no passphrase. */
function pulumi(...args: string[]): Promise<string> {
  const options = { env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" }, maxBuffer: 1 << 28 };
  return new Promise((done, fail) =>
    execFile("node_modules/.bin/pulumi", [...args, "--non-interactive"], options, (error, stdout, stderr) =>
      error ? fail(new UserError(`pulumi ${args.join(" ")}: ${stderr.trim() || error.message}`)) : done(stdout),
    ),
  );
}
