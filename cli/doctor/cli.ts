// npm run doctor -- [<host>] [--stack <name> | --inventory <folder>]
import { parseArgs } from "node:util";
import { UsageError, runCommand } from "../command";
import { type Section, fails, render } from "./check";
import { checkController, checkWays } from "./controller";
import { checkHost } from "./host";
import { choose } from "./choose";

const USAGE = `npm run doctor                  what is missing on this machine
npm run doctor -- <host>        and on a host, too; nothing is changed on it
  --stack <name>                look for it in that stack's inventory only: Pulumi.<name>.yaml's, else ansible/inventory/<name>
  --inventory <folder>          or in this one, relative to the project`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { stack: { type: "string" }, inventory: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
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

runCommand(USAGE, main);
