import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { UserError } from "../errors";
import { type Recap, type Run, runOn } from "./run";

const request = z.strictObject({
  playbook: z.string(),
  inventory: z.string(),
  host: z.string(),
  vars: z.record(z.string(), z.json()).superRefine((vars, problems) => {
    for (const name of Object.keys(vars).filter((one) => one.startsWith("ansible_")))
      problems.addIssue({ code: "custom", path: [name], message: "connection settings live in ssh_config, not in variables" });
  }),
});

/** A user's own playbook, and the host on which it is to run. Paths are relative to the working directory. */
export type PlaybookRequest = z.infer<typeof request>;

/** A request as it is given to `playbookFromStdin`. Throws when a variable is none that a playbook may be given. */
export function playbookRequest(wanted: { [Key in keyof PlaybookRequest]: unknown }): string {
  const parsed = request.safeParse(wanted);
  if (!parsed.success) throw new UserError(`playbook ${wanted.playbook}:\n${z.prettifyError(parsed.error)}`);
  return JSON.stringify(parsed.data);
}

/**
 * The program that components/playbook.ts composes a command of: reads its request as JSON from standard input,
 * runs the playbook, and prints the recap as JSON. Exits 1, with the reasons on standard error, unless all went well.
 */
export async function playbookFromStdin(): Promise<void> {
  try {
    const { playbook, inventory, host, vars } = JSON.parse(readFileSync(0, "utf8")) as PlaybookRequest;
    const run = await runOn(inventory, host, resolve(playbook), JSON.stringify(Object.values(vars)), (file) => variablesOf(vars, file));
    process.stdout.write(`${JSON.stringify(recapOf(playbook, host, run))}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

/** A run's recap by host. Throws, with the tasks that failed, when it did not go well or ran nowhere. */
export function recapOf(playbook: string, host: string, { code, events, output }: Run): Record<string, Recap> {
  const recap = events.find(({ event }) => event === "recap")?.recap ?? {};
  const failed = events.filter(({ event }) => event === "failed" || event === "unreachable");
  const reasons = failed.map((event) => `${event.host}: ${event.event}: ${event.task}: ${event.msg}`);
  const counts = Object.entries(recap).map(([name, of]) => `${name}: ${Object.entries(of).map((count) => count.join("=")).join(" ")}`);
  if (code !== 0) throw new UserError([`${playbook} failed:`, ...(reasons.length > 0 ? reasons : [output.trim()]), ...counts].join("\n"));
  if (counts.length === 0) throw new UserError(`${playbook} ran on no host: none of its plays has ${host} among its hosts`);
  return recap;
}

/**
 * Extra variables whose values Ansible looks up in a file that has them as a list. What a lookup returns is no template, and
 * only the names are on the command line.
 */
export const variablesOf = (vars: object, file: string): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.keys(vars).map((name, index) => [name, `{{ (lookup('ansible.builtin.file', '${file}') | from_json)[${index}] }}`]),
    ),
  );
