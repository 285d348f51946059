import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import { packageRoot } from "../ansible/program";
import { Batch, Batches } from "../batch";
import { UserError } from "../errors";
import { runAsRoot } from "./connection";

/** A unit to observe, and where. */
export interface Wanted {
  kind: string;
  host: string;
  inventory: string;
  owner: string;
  unit: object;
}

/** What the host says of a unit. */
export interface Observed {
  name: string;
  present: boolean;
  drift: string;
  facts: Record<string, unknown>;
}

type Answer = { observations: Observed[] } | { error: string };

const readers = new Batches<Wanted, Observed>(() => new Batch(readAll));

/** What the host says of a unit; all units of a host that are asked for together cost one command. */
export function observe(wanted: Wanted): Promise<Observed> {
  return readers.for(JSON.stringify([wanted.inventory, wanted.host])).add(wanted);
}

async function readAll(all: Wanted[]): Promise<(Observed | Error)[]> {
  const { host, inventory } = all[0]!;
  const groups = groupsOf(all);
  const answers = answersIn(host, await runAsRoot(join(resolve(inventory), "ssh_config"), host, ["python3", "-"], script(groups)));
  return all.map((wanted) => {
    const index = groups.findIndex((group) => belongs(group, wanted));
    const said = answers[index]!;
    if ("error" in said) return new UserError(`${host}: ${wanted.kind}: it cannot be read: ${said.error}`);
    return said.observations[groups[index]!.units.indexOf(wanted.unit)]!;
  });
}

/** The last line is the observers'; a login may print something before it. */
function answersIn(host: string, printed: string): Answer[] {
  const last = printed.trimEnd().split("\n").at(-1)!;
  try {
    return JSON.parse(last) as Answer[];
  } catch {
    throw new UserError(`${host}: the observers' answer cannot be read: ${last.slice(0, 200)}`);
  }
}

interface Group {
  kind: string;
  owner: string;
  units: object[];
}

const belongs = (group: Group, wanted: Wanted): boolean => group.kind === wanted.kind && group.owner === wanted.owner;

function groupsOf(all: Wanted[]): Group[] {
  const groups: Group[] = [];
  for (const wanted of all) {
    const group = groups.find((one) => belongs(one, wanted));
    if (group) group.units.push(wanted.unit);
    else groups.push({ kind: wanted.kind, owner: wanted.owner, units: [wanted.unit] });
  }
  return groups;
}

/** What only modules need. */
const WRITERS_ONLY = [
  ...["hold.py", "lock.py", "module.py", "networkd_apply.py"],
  ...["quadlet_checks.py", "quadlet_plan.py", "quadlet_pulled.py", "quadlet_services.py", "registry.py"],
];

/** ansible/observe.py behind a line that holds the observers' source and the units. */
export function script(groups: Group[], sources = observers()): string {
  const payload = deflateSync(JSON.stringify({ sources, groups })).toString("base64");
  return `PAYLOAD = "${payload}"\n${readFileSync(join(packageRoot, "ansible", "observe.py"), "utf8")}`;
}

/** What a host needs to observe, by the modules' names. */
export function observers(): Record<string, string> {
  const folder = join(packageRoot, "ansible", "module_utils", "homelab");
  const sources: Record<string, string> = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".py") && !WRITERS_ONLY.includes(name))) {
    const name = file === "__init__.py" ? "homelab" : `homelab.${file.slice(0, -3)}`;
    sources[name] = readFileSync(join(folder, file), "utf8");
  }
  return sources;
}
