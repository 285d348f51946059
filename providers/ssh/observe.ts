import { readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import { packageRoot } from "../ansible/program";
import { Batch, Batches } from "../batch";
import { UserError } from "../errors";
import { printable, printableIn } from "../untrusted";
import { runAsRoot, runReader } from "./connection";
import { readerKey } from "./reader";

/** A resource to observe, and where. */
export interface Wanted {
  kind: string;
  host: string;
  inventory: string;
  owner: string;
  unit: object;
}

/** The state of a resource on its host. `differences` is a text, empty while it is in sync. */
export interface Observed {
  name: string;
  present: boolean;
  differences: string;
  facts: Record<string, unknown>;
}

/** What could not be read of one resource, such as one of a user whose systemd does not answer. */
type Unread = { name: string; error: string };

type Answer = { observations: (Observed | Unread)[] } | { error: string };

const readers = new Batches<Wanted, Observed>(() => new Batch(readAll));

/** Reads a resource on its host; all resources of a host that are asked for together cost one command. */
export function observe(wanted: Wanted): Promise<Observed> {
  return readers.for(JSON.stringify([wanted.inventory, wanted.host])).add(wanted);
}

async function readAll(all: Wanted[]): Promise<(Observed | Error)[]> {
  const { host, inventory } = all[0]!;
  const groups = groupsOf(all);
  const answers = answersIn(host, await ask(join(resolve(inventory), "ssh_config"), host, groups));
  return all.map((wanted) => {
    const index = groups.findIndex((group) => belongs(group, wanted));
    const answer = answers[index]!;
    if ("error" in answer) return new UserError(`${host}: ${wanted.kind} cannot be read: ${answer.error}`);
    const seen = answer.observations[groups[index]!.resources.indexOf(wanted.unit)]!;
    return "error" in seen ? new UserError(`${host}: ${wanted.kind} ${seen.name} cannot be read: ${seen.error}`) : seen;
  });
}

/** Asks the observers: those that go with the request or, of a login that can only look, those on the host. */
const ask = (config: string, host: string, groups: Group[]): Promise<string> =>
  readerKey() === undefined
    ? runAsRoot(config, host, ["python3", "-I", "-"], script(groups))
    : runReader(config, host, JSON.stringify({ groups }));

/** The last line is the observers', and gets printable texts; a login may print something before it. */
function answersIn(host: string, printed: string): Answer[] {
  const last = printed.trimEnd().split("\n").at(-1)!;
  try {
    return printableIn(JSON.parse(last) as Answer[]);
  } catch {
    throw new UserError(`${host}: the observers' answer cannot be read: ${printable(last.slice(0, 200))}`);
  }
}

interface Group {
  kind: string;
  owner: string;
  resources: object[];
}

const belongs = (group: Group, wanted: Wanted): boolean => group.kind === wanted.kind && group.owner === wanted.owner;

function groupsOf(all: Wanted[]): Group[] {
  const groups: Group[] = [];
  for (const wanted of all) {
    const group = groups.find((one) => belongs(one, wanted));
    if (group) group.resources.push(wanted.unit);
    else groups.push({ kind: wanted.kind, owner: wanted.owner, resources: [wanted.unit] });
  }
  return groups;
}

/** ansible/observe.py behind a line that holds the observers' source and the resources. */
export function script(groups: Group[], sources = observers()): string {
  const payload = deflateSync(JSON.stringify({ sources, groups })).toString("base64");
  return `PAYLOAD = "${payload}"\n${readFileSync(join(packageRoot, "ansible", "observe.py"), "utf8")}`;
}

/** The layers that read a host; what changes it stays here. */
const LAYERS = ["core", "observe"];

/** The Python sources that a host needs to observe, by the modules' names. */
export function observers(): Record<string, string> {
  const folder = join(packageRoot, "ansible", "module_utils", "homelab");
  const files = LAYERS.flatMap((layer) => readdirSync(join(folder, layer), { recursive: true, withFileTypes: true }));
  const paths = files.filter((file) => file.isFile() && file.name.endsWith(".py")).map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    [join(folder, "__init__.py"), ...paths].map((path) => [moduleOf(relative(folder, path)), readFileSync(path, "utf8")]),
  );
}

/** The name of a file's module: `observe/domain/edit.py` is `homelab.observe.domain.edit`. */
const moduleOf = (path: string): string =>
  ["homelab", ...path.replace(/\.py$/, "").split("/")].filter((part) => part !== "__init__").join(".");
