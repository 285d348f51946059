// npm run status -- <stack> [--inventory <folder>]
import { completed } from "../../providers/kinds";
import { observe } from "../../providers/ssh/observe";
import { type Given, UsageError, runCommand } from "../command";
import { folderOf } from "../doctor/choose";
import { loadInventory } from "../../components/inventory/load";
import { type Held, heldBy } from "../state";
import { type Declared, declaredOn } from "../../components/declared";
import { type Answer, type Line, differing, lineOf } from "./compare";
import { render, summary } from "./render";

const USAGE = `npm run status -- <stack>       of each unit, configuration, state and host side by side, and which of them moved; nothing is changed
  --inventory <folder>          its inventory, relative to the project; else as in Pulumi.<stack>.yaml, or ansible/inventory/<stack>`;

async function main({ values, positionals }: Given<"inventory">): Promise<number> {
  const [stack, ...more] = positionals;
  if (stack === undefined || more.length > 0) throw new UsageError("");
  const folder = values.inventory ?? folderOf(stack);
  const { owner, hosts } = loadInventory(folder);
  const held = await heldBy(stack);
  const names = [...new Set([...hosts, ...held.map(({ host }) => ({ name: host }))].map(({ name }) => name))];
  const tables = names.map(async (name): Promise<[string, Line[]]> => {
    const declared = hosts.filter((host) => host.name === name).flatMap(declaredOn);
    const mine = held.filter(({ host }) => host === name);
    return [name, await linesOf({ host: name, inventory: folder, owner }, declared, mine)];
  });
  const all = await Promise.all(tables);
  for (const [name, lines] of all) console.log(`${render(name, lines)}\n`);
  const lines = all.flatMap(([, some]) => some);
  console.log(summary(lines));
  return lines.some(({ isRead }) => !isRead) ? 1 : 0;
}

async function linesOf(place: { host: string; inventory: string; owner: string }, declared: Declared[], held: Held[]): Promise<Line[]> {
  const ids = [...new Set([...declared, ...held].map(({ id }) => id))];
  const stored = held.map((one) => ({ ...one, unit: completed(one.kind, one.unit) }));
  const units = ids.map((id) => ({ id, declared: declared.find((one) => one.id === id), held: stored.find((one) => one.id === id) }));
  // Two questions: in one, the two forms of a unit would be two units of one name.
  const isLeft = declared.length === 0;
  const applied = await Promise.all(units.map(({ held }) => held && ask(isLeft ? held : { ...held, inventory: place.inventory })));
  const asDeclared = await Promise.all(
    units.map(({ declared, held }) => {
      const isAnother = declared && !(held && differing(whole(declared.spec, place.owner), whole(held.unit, held.owner)).length === 0);
      return isAnother ? ask({ ...place, kind: declared.kind, unit: declared.spec }) : undefined;
    }),
  );
  return units.map(({ id, declared, held }, index) =>
    lineOf({
      id,
      declared: declared && whole(declared.spec, place.owner),
      applied: held && whole(held.unit, held.owner),
      host: { applied: applied[index], declared: asDeclared[index] },
    }),
  );
}

/** A resource with its owner, which is part of what is applied. */
const whole = (unit: object, owner: string): object => ({ ...unit, owner });

const ask = (unit: Parameters<typeof observe>[0]): Promise<Answer> =>
  observe(unit).catch((error: unknown) => ({ error: (error as Error).message }));

runCommand(USAGE, ["inventory"], main);
