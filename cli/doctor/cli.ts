// npm run doctor -- [<host>] [--stack <name> | --inventory <folder>]
import { type Given, INVENTORY, INVENTORY_USAGE, UsageError, runCommand } from "../command";
import { type Section, fails, render } from "./check";
import { checkController, checkWays } from "./controller";
import { checkHost } from "./host";
import { choose } from "./choose";

const USAGE = `npm run doctor                  what is missing on this machine
npm run doctor -- <host>        and on a host, too; nothing is changed on it
${INVENTORY_USAGE}`;

async function main({ values, positionals }: Given<(typeof INVENTORY)[number]>): Promise<number> {
  if (positionals.length > 1 || (values.stack !== undefined && values.inventory !== undefined)) throw new UsageError("");
  const host = positionals[0];
  const chosen = choose(values, host);
  const sections: Section[] = [{ of: "this machine", checks: [...(await checkController()), ...chosen.checks] }];
  for (const { folder, inventory } of chosen.inventories) {
    const found = inventory.hosts.find(({ name }) => name === host);
    if (found) sections.push({ of: `${found.name}, of ${folder}`, checks: await checkHost(folder, inventory, found) });
    else sections.push({ of: `the way to the hosts of ${folder}`, checks: await checkWays(folder, inventory) });
  }
  console.log(render(sections));
  return fails(sections) ? 1 : 0;
}

runCommand(USAGE, INVENTORY, main);
