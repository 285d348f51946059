import { execFile } from "node:child_process";
import { UserError } from "../errors";

/** The output of `pulumi stack export`: a stack's state, secrets encrypted. */
export interface Exported {
  deployment?: { resources?: { type: string; id?: string; outputs?: Record<string, unknown> }[] | null } | null;
}

/** A stack's state. Raises a UserError with Pulumi's own words when it cannot be read. */
export const exportOf = async (stack: string): Promise<Exported> =>
  JSON.parse(await pulumi("stack", "export", "--stack", stack)) as Exported;

/** The names of all stacks in the backend, those of other projects too. Raises a UserError as above. */
export async function stackNames(): Promise<string[]> {
  const stacks = JSON.parse(await pulumi("stack", "ls", "--all", "--json")) as { name: string }[];
  return stacks.map(({ name }) => name);
}

/** Returns what the CLI prints. Nothing here is secret, and no passphrase is needed. */
function pulumi(...args: string[]): Promise<string> {
  const options = { env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" }, maxBuffer: 1 << 28 };
  return new Promise((done, fail) =>
    execFile("node_modules/.bin/pulumi", [...args, "--non-interactive"], options, (error, stdout, stderr) =>
      error ? fail(new UserError(`pulumi ${args.join(" ")}: ${stderr.trim() || error.message}`)) : done(stdout),
    ),
  );
}
