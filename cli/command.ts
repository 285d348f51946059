import { parseArgs } from "node:util";
import { InventoryError } from "../components/inventory/load";
import { UserError } from "../providers/errors";

/** Invalid arguments of a command; the message is its usage. */
export class UsageError extends UserError {}

/** The options by which a command finds a host's inventory, with their lines of its usage. */
export const INVENTORY = ["stack", "inventory"] as const;
export const INVENTORY_USAGE = `  --stack <name>                look for it in that stack's inventory only: Pulumi.<name>.yaml's, else ansible/inventory/<name>
  --inventory <folder>          or in this one, relative to the project`;

/** The arguments of a command; each option takes a text. */
export interface Given<Option extends string> {
  values: { [Name in Option]?: string };
  positionals: string[];
}

/** Runs a command, whose `main` gives the exit code; 2 where it could not do what it is for. `--help` prints the usage. */
export function runCommand<Option extends string>(
  usage: string,
  options: readonly Option[],
  main: (given: Given<Option>) => Promise<number>,
): void {
  void run(usage, options, main)
    .catch((error: unknown) => {
      if (isMisuse(error)) console.error([(error as Error).message, usage].filter(Boolean).join("\n"));
      // These two are written to be read; anything else is a fault of ours.
      else console.error(error instanceof UserError || error instanceof InventoryError ? error.message : error);
      return 2;
    })
    // Connections stay open for others to share; there are none.
    .then((code) => process.exit(code));
}

async function run<Option extends string>(
  usage: string,
  options: readonly Option[],
  main: (given: Given<Option>) => Promise<number>,
): Promise<number> {
  const texts = Object.fromEntries(options.map((name) => [name, { type: "string" as const }]));
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { ...texts, help: { type: "boolean", short: "h" } } });
  if (!values["help"]) return main({ values: values as Given<Option>["values"], positionals });
  console.log(usage);
  return 0;
}

function isMisuse(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return error instanceof UsageError || (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS"));
}
