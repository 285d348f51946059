// Native Quadlet files of Podman's own tests: the host's generator makes the same of our units as of the files themselves.
// The folder is ../shared/corpora/quadlet, or quadlet in HOMELAB_CORPORA.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { observers, script } from "../../providers/ssh/observe";
import { corpusFolder } from "./corpus";
import { CorpusUnits, loaded } from "./corpus-units";
import { type Lab } from "./lab";
import { configured } from "./project";

jest.setTimeout(1_800_000);

type Services = Record<string, Record<string, unknown>>;
interface Made {
  made: Services;
  services: Record<string, string>;
  complaints: string;
}

let lab: Lab;
let corpus: CorpusUnits;
let original: Made;

/** What the generator on hv makes of files, or of units of our inventory. */
async function generated(...variants: object[]): Promise<Made[]> {
  const sources = { ...observers(), "homelab.observe.corpus": readFileSync(join(__dirname, "corpus.py"), "utf8") };
  const groups = [{ kind: "corpus", owner: "", resources: variants }];
  const { stdout } = await lab.ssh("hv", "python3 -I -", { sudo: true, input: script(groups, sources) });
  const [answer] = JSON.parse(stdout.trim().split("\n").at(-1)!) as [{ observations?: { facts: Made }[]; error?: string }];
  if (answer.observations === undefined) throw new Error(answer.error);
  return answer.observations.map(({ facts }) => facts);
}

beforeAll(async () => {
  corpus = new CorpusUnits();
  lab = await configured();
  corpus.place();
  [original] = (await generated({ name: "original", files: corpus.texts })) as [Made];
});

afterAll(() => lab?.reset());

test("the corpus is whole, and the generator takes and refuses what Podman expects", () => {
  expect([corpus.files.length, corpus.refused.length, corpusFolder]).toEqual([128, 10, expect.stringMatching(/quadlet$/)]);
  expect(Object.keys(original.made).sort()).toEqual([...corpus.good].sort());
  for (const { name, refused: said } of corpus.refused) expect(original.complaints).toMatch(new RegExp(`"${name}": .*${said!}`));
});

test("as `source`, the generator makes the same service of each, of the name that we expect", async () => {
  const [ours] = (await generated({ name: "source", units: loaded(corpus.good.map((name) => corpus.asSource(name))) })) as [Made];
  expect(ours.made).toEqual(original.made);
  // A template's service is its default instance.
  const named = Object.entries(ours.services).map(([name, service]) => [name, service.replace(/@.*(?=\.service$)/, "@")]);
  expect(Object.fromEntries(named)).toEqual(Object.fromEntries(Object.entries(original.made).map(([name, made]) => [name, made["name"]])));
});

test("as `sections`, which can say all of them, the generator makes the same service of each", async () => {
  const [ours] = (await generated({ name: "sections", units: loaded(await corpus.asSections(corpus.good)) })) as [Made];
  expect(ours.made).toEqual(original.made);
});
