// npm run history -- <host> [--stack <name> | --inventory <folder>] [--since <time>]
import { observe } from "../../providers/ssh/observe";
import { type Given, INVENTORY, INVENTORY_USAGE, runCommand } from "../command";
import { chooseHost } from "../doctor/choose";
import { type History, render } from "./render";

const USAGE = `npm run history -- <host>       who changed what on a host, by either route, from the host's own journal
${INVENTORY_USAGE}
  --since <time>                later lines only, in UTC as journalctl reads it: "2026-12-01", "3 days ago", yesterday`;

const OPTIONS = [...INVENTORY, "since"] as const;

async function main(given: Given<(typeof OPTIONS)[number]>): Promise<number> {
  const { name, folder, inventory } = chooseHost(given);
  const { since = "" } = given.values;
  const { facts } = await observe({ kind: "history", host: name, inventory: folder, owner: inventory.owner, unit: { since } });
  console.log(render(name, facts as unknown as History, since));
  return 0;
}

runCommand(USAGE, OPTIONS, main);
