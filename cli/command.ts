import { InventoryError } from "../components/inventory/load";
import { UserError } from "../providers/errors";

/** Invalid arguments of a command; the message is its usage. */
export class UsageError extends UserError {}

/** Runs a command, whose `main` gives the exit code; 2 where it could not do what it is for. */
export function runCommand(usage: string, main: () => Promise<number>): void {
  void main()
    .catch((error: unknown) => {
      if (isMisuse(error)) console.error([(error as Error).message, usage].filter(Boolean).join("\n"));
      // These two are written to be read; anything else is a fault of ours.
      else console.error(error instanceof UserError || error instanceof InventoryError ? error.message : error);
      return 2;
    })
    // Connections stay open for others to share; there are none.
    .then((code) => process.exit(code));
}

function isMisuse(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return error instanceof UsageError || (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS"));
}
