import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Inventory, loadInventory } from "../../components/inventory/load";
import { UserError } from "../../providers/errors";
import { type Given, INVENTORY, UsageError } from "../command";
import { type Check, fail, ok } from "./check";

const ROOT = "ansible/inventory";

/** The inventories to check, and checks about them. */
export interface Chosen {
  inventories: { folder: string; inventory: Inventory }[];
  checks: Check[];
}

/** The inventory that is named; else, with a host, the one that has it; else all. Folders are relative to the project. */
export function choose({ stack, inventory: named }: { stack?: string; inventory?: string }, host: string | undefined): Chosen {
  const folders = named !== undefined ? [named] : stack !== undefined ? [folderOf(stack)] : allFolders();
  const checks: Check[] = [];
  let inventories: Chosen["inventories"] = [];
  for (const folder of folders) {
    if (!existsSync(join(folder, "hosts.yml"))) {
      checks.push(
        fail(`${folder}: there is no hosts.yml`, `Make it as in ansible/inventory/prod, or take one of ${allFolders().join(", ")}.`),
      );
      continue;
    }
    try {
      inventories.push({ folder, inventory: loadInventory(folder) });
    } catch (error) {
      checks.push(fail(`${folder}: ${(error as Error).message}`, "Each line gives the place, what was found and what was expected."));
    }
  }
  const has = inventories.filter(({ inventory }) => inventory.hosts.some(({ name }) => name === host));
  if (host !== undefined && inventories.length > 0) {
    if (has.length !== 1) return { inventories: [], checks: [...checks, notOne(host, has, inventories)] };
    inventories = has;
  }
  const loaded = inventories.map(({ folder, inventory }) => ok(`${folder}, of owner ${inventory.owner}, loads`));
  // An inventory with errors is no matter of a host that another one has.
  return { inventories, checks: has.length === 1 ? loaded : [...checks, ...loaded] };
}

/** The host that a command's only argument names, in the one inventory that has it. Throws a UsageError or a UserError. */
export function chooseHost({ values, positionals }: Given<(typeof INVENTORY)[number]>): Chosen["inventories"][number] & { name: string } {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0 || (values.stack !== undefined && values.inventory !== undefined)) throw new UsageError("");
  const { inventories, checks } = choose(values, name);
  const bad = checks.filter(({ state }) => state === "fail");
  if (inventories.length !== 1) throw new UserError(bad.map(({ what, fix }) => `${what}\n${fix}`).join("\n"));
  return { name, ...inventories[0]! };
}

function notOne(host: string, has: Chosen["inventories"], all: Chosen["inventories"]): Check {
  if (has.length > 1) return fail(`${host} is in ${has.map(({ folder }) => folder).join(" and ")}`, "Choose one: --stack or --inventory.");
  const hosts = all.map(({ folder, inventory }) => `${folder}: ${inventory.hosts.map(({ name }) => name).join(", ") || "none"}`);
  return fail(`no inventory has a host ${host}`, `The hosts are:\n${hosts.join("\n")}`);
}

/** Where a stack's inventory lies: as index.ts has it. */
export function folderOf(stack: string): string {
  const file = `Pulumi.${stack}.yaml`;
  const { config } = (existsSync(file) ? parse(readFileSync(file, "utf8")) : {}) as { config?: Record<string, unknown> };
  const set = config?.["homelab:inventory"];
  return typeof set === "string" ? set : `${ROOT}/${stack}`;
}

function allFolders(): string[] {
  const entries = existsSync(ROOT) ? readdirSync(ROOT, { withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${ROOT}/${entry.name}`);
}
