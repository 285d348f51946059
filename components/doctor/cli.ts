// npm run doctor -- [<host>] [--stack <name> | --inventory <folder>]
import { parseArgs } from "node:util";
import { UserError } from "../../providers/errors";
import { type Section, fails, render } from "./check";
import { checkController, checkWays } from "./controller";
import { checkHost } from "./host";
import { choose } from "./choose";

const USAGE = `npm run doctor                  what is missing on this machine
npm run doctor -- <host>        and on a host, too; nothing is changed on it
  --stack <name>                look for it in that stack's inventory only: ansible/inventory/<name>
  --inventory <folder>          or in this one, relative to the project`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { stack: { type: "string" }, inventory: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help || positionals.length > 1 || (values.stack !== undefined && values.inventory !== undefined)) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const host = positionals[0];
  const chosen = choose(values, host);
  const sections: Section[] = [{ of: "this machine", checks: [...(await checkController()), ...chosen.checks] }];
  for (const { folder, inventory } of chosen.inventories) {
    const found = inventory.hosts.find(({ name }) => name === host);
    if (found) sections.push({ of: `${found.name}, of ${folder}`, checks: await checkHost(folder, inventory, found) });
    else sections.push({ of: `the way to the hosts of ${folder}`, checks: await checkWays(folder, inventory) });
  }
  console.log(render(sections));
  process.exitCode = fails(sections) ? 1 : 0;
}

main()
  .catch((error: unknown) => {
    const bad = error instanceof UserError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
    console.error(bad ? `${(error as Error).message}\n${USAGE}` : error);
    process.exitCode = 2;
  })
  // Connections stay open for others to share; there are none.
  .finally(() => process.exit());
