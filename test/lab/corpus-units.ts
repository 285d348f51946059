// The corpus as Quadlet units of user web on hv, in a test's inventory.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type InventoryError, type InventoryHost, loadInventory } from "../../components/inventory/load";
import { type CorpusFile, SIBLINGS, besideUnit, readCorpus } from "./corpus";
import { inventory, withMore } from "./project";
import { projectRoot } from "./pulumi";
import { run } from "./run";

type Sections = Record<string, Record<string, string[]>>;
type Unit = InventoryHost["quadlet_units"][number];

const OWN = ["web.image", "web.container"];
const SECTIONS = `
import json, sys
sys.path.insert(0, "ansible/module_utils")
from homelab.observe.quadlet import unit_file as quadlet
def keys(pairs): return {key: [value for name, value in pairs if name == key] for key, _ in pairs}
texts = json.load(sys.stdin)
print(json.dumps({name: {section: keys(pairs) for section, pairs in quadlet.settings(text).items()} for name, text in texts.items()}))
`;

export class CorpusUnits {
  readonly files: CorpusFile[] = readCorpus();
  /** The text of every unit, by name, and of every drop-in, as `<unit>.d/<file>`. */
  readonly texts: Record<string, string> = {
    ...SIBLINGS,
    ...Object.fromEntries(this.files.map((file) => [besideUnit(file), file.text])),
  };
  readonly refused = this.files.filter((file) => file.refused !== undefined);

  private readonly units = Object.keys(this.texts).filter((path) => !path.includes("/"));
  /** The units that the generator takes. */
  readonly good = this.units.filter((path) => !this.refused.some(({ name }) => name === path));

  /** Puts the native files beside the inventory, where `source` finds them. */
  place(): void {
    mkdirSync(join(inventory, "files/corpus"), { recursive: true });
    for (const path of this.units) writeFileSync(join(inventory, "files/corpus", path), this.texts[path]!);
  }

  asSource(name: string): object {
    return { user: "web", source: `files/corpus/${name}`, ...this.dropinsOf(name) };
  }

  /** What each native file says as `sections`, by our own reading of it. */
  async asSections(names: string[]): Promise<object[]> {
    const input = JSON.stringify(Object.fromEntries(names.map((name) => [name, this.texts[name]])));
    const { stdout } = await run(["env", "-C", projectRoot, ".venv/bin/python", "-c", SECTIONS], { input });
    const said = Object.entries(JSON.parse(stdout) as Record<string, Sections>);
    return said.map(([name, sections]) => ({ user: "web", name, sections, ...this.dropinsOf(name) }));
  }

  private dropinsOf(name: string): { dropins?: Record<string, string> } {
    const own = Object.entries(this.texts).filter(([path]) => path.startsWith(`${name}.d/`));
    return own.length > 0 ? { dropins: Object.fromEntries(own.map(([path, text]) => [path.slice(name.length + 3), text])) } : {};
  }
}

/** Writes units into the inventory, beside the lab's own. */
export function write(units: object[]): void {
  withMore({ quadlet_units: units });
  // Go's templates are no templates of Ansible's.
  const file = join(inventory, "host_vars/hv.yml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^( *(?:- )+|[^"]*: )(?=".*\{\{)/gm, "$1!unsafe "));
}

/** Loads units as written, or says which of them the lints refuse. */
function load(units: object[]): Unit[] | { refused: Set<object> } {
  write(units);
  try {
    return loadInventory(inventory).hosts[0]!.quadlet_units.filter(({ name }) => !OWN.includes(name!));
  } catch (error) {
    const places = (error as InventoryError).problems.map(({ message }) => /^quadlet_units\.(\d+)/.exec(message)?.[1]);
    if (places.includes(undefined)) throw error;
    return { refused: new Set(places.map((place) => units[Number(place) - OWN.length]!)) };
  }
}

/**
 * The units as they reach a host: written as an inventory and loaded from it. Some of the corpus stand in each other's way
 * on one host, by port or service, and so are loaded from inventories of their own, with what they name.
 */
export function loaded(units: object[]): Unit[] {
  const all = new Map<string, Unit>();
  for (let left = units; left.length > 0;) {
    let tried = [...left, ...units.filter((unit) => !left.includes(unit))];
    let done = load(tried);
    for (; "refused" in done; done = load(tried)) {
      const { refused } = done;
      tried = tried.filter((unit) => !refused.has(unit));
    }
    for (const unit of done) all.set(unit.name!, unit);
    const remaining = left.filter((unit) => !tried.includes(unit));
    if (remaining.length === left.length) throw new Error(`none of these can be loaded: ${JSON.stringify(left)}`);
    left = remaining;
  }
  return [...all.values()];
}
