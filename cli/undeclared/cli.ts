// npm run undeclared -- <host> [--stack <name> | --inventory <folder>]
import { observe } from "../../providers/ssh/observe";
import { type Given, INVENTORY, INVENTORY_USAGE, runCommand } from "../command";
import { chooseHost } from "../doctor/choose";
import { type InventoryHost } from "../../components/inventory/load";
import { heldByAll } from "../state";
import { declaredOn } from "../../components/declared";
import { type Survey, render, undeclaredIn, unreadIn } from "./list";

const USAGE = `npm run undeclared -- <host>    what is on a host and in no configuration; nothing is removed
${INVENTORY_USAGE}`;

async function main(given: Given<(typeof INVENTORY)[number]>): Promise<number> {
  const { name, folder, inventory } = chooseHost(given);
  const host = inventory.hosts.find((one) => one.name === name)!;
  const [survey, { held, unread: stacks }] = await Promise.all([surveyOf(name, folder, inventory.owner), heldByAll()]);
  console.log(render(name, folder, inventory.owner, undeclaredIn(name, survey, declaredIn(host), held)));
  const unread = [...unreadIn(survey), ...stacks];
  for (const reason of unread) console.log(reason);
  return unread.length > 0 ? 1 : 0;
}

async function surveyOf(host: string, inventory: string, owner: string): Promise<Survey> {
  const { facts } = await observe({ kind: "survey", host, inventory, owner, unit: {} });
  return facts as Survey;
}

/** The ids of a host's units, and of domains that are about to be renamed. */
function declaredIn(host: InventoryHost): Set<string> {
  const former = host.domains.flatMap(({ renamed_from }) => (renamed_from === undefined ? [] : [`${host.name}/domain/${renamed_from}`]));
  return new Set([...declaredOn(host).map(({ id }) => id), ...former]);
}

runCommand(USAGE, INVENTORY, main);
