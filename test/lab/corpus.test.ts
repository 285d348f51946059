// Native Quadlet files of Podman's own tests: the host's generator makes the same of our units as of the files themselves, and what it
// refuses is refused before anything is written. The folder is ../shared/corpora/quadlet, or quadlet in HOMELAB_CORPORA.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type InventoryError, type InventoryHost, loadInventory } from "../../components/inventory/load";
import { observers, script } from "../../providers/ssh/observe";
import { type CorpusFile, SIBLINGS, besideUnit, corpusFolder, readCorpus } from "./corpus";
import { type Lab } from "./lab";
import { started, text } from "./look";
import { changed, configured, inventory, playbook, withMore } from "./project";
import { projectRoot } from "./pulumi";
import { run } from "./run";

jest.setTimeout(1_800_000);

type Services = Record<string, Record<string, unknown>>;
type Sections = Record<string, Record<string, string[]>>;
type Unit = InventoryHost["quadlet_units"][number];
interface Made {
  made: Services;
  services: Record<string, string>;
  complaints: string;
}

let lab: Lab;
let files: CorpusFile[];
/** The text of every unit, by name, and of every drop-in, as `<unit>.d/<file>`; the first of them are the good ones. */
let texts: Record<string, string>;
let original: Made;

const isUnit = (path: string): boolean => !path.includes("/");
const refused = (): CorpusFile[] => files.filter((file) => file.refused !== undefined);
const isGood = (path: string): boolean => !refused().some(({ name }) => name === path);
const goodUnits = (): string[] => Object.keys(texts).filter((path) => isUnit(path) && isGood(path));

const dropinsOf = (name: string): { dropins?: Record<string, string> } => {
  const own = Object.entries(texts).filter(([path]) => path.startsWith(`${name}.d/`));
  return own.length > 0 ? { dropins: Object.fromEntries(own.map(([path, text]) => [path.slice(name.length + 3), text])) } : {};
};

/** What the generator on hv makes of files, or of units of our inventory. */
async function generated(...variants: object[]): Promise<Made[]> {
  const sources = { ...observers(), "homelab.corpus": readFileSync(join(__dirname, "corpus.py"), "utf8") };
  const groups = [{ kind: "corpus", owner: "", units: variants }];
  const { stdout } = await lab.ssh("hv", "python3 -", { sudo: true, input: script(groups, sources) });
  const [answer] = JSON.parse(stdout.trim().split("\n").at(-1)!) as [{ observations?: { facts: Made }[]; error?: string }];
  if (answer.observations === undefined) throw new Error(answer.error);
  return answer.observations.map(({ facts }) => facts);
}

/** Writes units into the inventory, beside the lab's own. */
function write(units: object[]): void {
  withMore({ quadlet_units: units });
  // Go's templates are no templates of Ansible's.
  const file = join(inventory, "host_vars/hv.yml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^( *(?:- )+|[^"]*: )(?=".*\{\{)/gm, "$1!unsafe "));
}

const OWN = ["web.image", "web.container"];

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
function loaded(units: object[]): Unit[] {
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

const asSource = (name: string): object => ({ user: "web", source: `files/corpus/${name}`, ...dropinsOf(name) });
const SECTIONS = `
import json, sys
sys.path.insert(0, "ansible/module_utils")
from homelab import quadlet
def keys(pairs): return {key: [value for name, value in pairs if name == key] for key, _ in pairs}
texts = json.load(sys.stdin)
print(json.dumps({name: {section: keys(pairs) for section, pairs in quadlet.settings(text).items()} for name, text in texts.items()}))
`;

/** What each native file says as \`sections\`, by our own reading of it. */
async function asSections(names: string[]): Promise<object[]> {
  const input = JSON.stringify(Object.fromEntries(names.map((name) => [name, texts[name]])));
  const { stdout } = await run(["env", "-C", projectRoot, ".venv/bin/python", "-c", SECTIONS], { input });
  return Object.entries(JSON.parse(stdout) as Record<string, Sections>).map(([name, sections]) => ({
    user: "web",
    name,
    sections,
    ...dropinsOf(name),
  }));
}

beforeAll(async () => {
  files = readCorpus();
  texts = { ...SIBLINGS, ...Object.fromEntries(files.map((file) => [besideUnit(file), file.text])) };
  lab = await configured();
  for (const [path, content] of Object.entries(texts).filter(([path]) => isUnit(path))) {
    mkdirSync(join(inventory, "files/corpus"), { recursive: true });
    writeFileSync(join(inventory, "files/corpus", path), content);
  }
  [original] = (await generated({ name: "original", files: texts })) as [Made];
});

afterAll(() => lab?.reset());

test("the corpus is whole, and the generator takes and refuses what Podman expects", () => {
  expect([files.length, refused().length, corpusFolder]).toEqual([128, 10, expect.stringMatching(/quadlet$/)]);
  expect(Object.keys(original.made).sort()).toEqual(goodUnits().sort());
  for (const { name, refused: said } of refused()) expect(original.complaints).toMatch(new RegExp(`"${name}": .*${said!}`));
});

test("as `source`, the generator makes the same service of each, of the name that we expect", async () => {
  const [ours] = (await generated({ name: "source", units: loaded(goodUnits().map(asSource)) })) as [Made];
  expect(ours.made).toEqual(original.made);
  // A template's service is its default instance.
  const named = Object.entries(ours.services).map(([name, service]) => [name, service.replace(/@.*(?=\.service$)/, "@")]);
  expect(Object.fromEntries(named)).toEqual(Object.fromEntries(Object.entries(original.made).map(([name, made]) => [name, made["name"]])));
});

test("as `sections`, which can say all of them, the generator makes the same service of each", async () => {
  const [ours] = (await generated({ name: "sections", units: loaded(await asSections(goodUnits())) })) as [Made];
  expect(ours.made).toEqual(original.made);
});

test.each(["source", "sections"])("plain Ansible's check mode takes all of them as %s", async (form) => {
  const units = form === "source" ? goodUnits().map(asSource) : await asSections(goodUnits());
  write(units);
  const { code, stdout } = await playbook("--check", "--diff", "--limit", "hv");
  expect(stdout).not.toMatch(/refuses|failed=[1-9]/);
  for (const name of goodUnits()) expect(stdout).toContain(`quadlet-unit web/${name}: create`);
  expect([code, changed(stdout)]).toEqual([0, { hv: 1 }]);
});

test("what the generator refuses is refused with its words before anything is written, and so is what names it; others run on", async () => {
  const written = () => text("hv", "find /home/web/.config /etc/containers/systemd /run/user/2001/systemd/generator -type f | sort");
  const before = [await written(), await started("hv", "web")];
  const names = { user: "web", name: "names.container", content: "[Container]\nImage=x\nVolume=build-not-found.quadlet.volume:/x\n" };
  write([...refused().map(({ name }) => asSource(name)), names]);
  const { code, stdout } = await playbook("--limit", "hv");
  expect(code).not.toBe(0);
  const words = stdout.replaceAll('\\"', '"');
  for (const { name, refused: said } of [...refused(), { name: "names.container", refused: "build-not-found.quadlet.volume" }]) {
    const pattern = `quadlet-unit web/${name}: Quadlet's generator refuses it:\\s*(\\\\n)?\\s*[^\\n]*"${name}": [^\\n]*${said!}`;
    expect([name, words]).toEqual([name, expect.stringMatching(pattern.replaceAll(".", "\\."))]);
  }
  expect([await written(), await started("hv", "web")]).toEqual(before);
});
