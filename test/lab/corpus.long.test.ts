// The same files by plain Ansible, and what the generator refuses: it is refused before anything is written.
import { CorpusUnits, write } from "./corpus-units";
import { type Lab } from "./lab";
import { started, text } from "./look";
import { changed, configured, playbook } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;
let corpus: CorpusUnits;

beforeAll(async () => {
  corpus = new CorpusUnits();
  lab = await configured();
  corpus.place();
});

afterAll(() => lab?.reset());

test.each(["source", "sections"])("plain Ansible's check mode takes all of them as %s", async (form) => {
  const units = form === "source" ? corpus.good.map((name) => corpus.asSource(name)) : await corpus.asSections(corpus.good);
  write(units);
  const { code, stdout } = await playbook("--check", "--diff", "--limit", "hv");
  expect(stdout).not.toMatch(/rejects|failed=[1-9]/);
  for (const name of corpus.good) expect(stdout).toContain(`quadlet-unit web/${name}: create`);
  expect([code, changed(stdout)]).toEqual([0, { hv: 1 }]);
});

test("what the generator refuses is refused with its words before anything is written, and so is what names it; others run on", async () => {
  const written = () => text("hv", "find /home/web/.config /etc/containers/systemd /run/user/2001/systemd/generator -type f | sort");
  const before = [await written(), await started("hv", "web")];
  const names = { user: "web", name: "names.container", content: "[Container]\nImage=x\nVolume=build-not-found.quadlet.volume:/x\n" };
  write([...corpus.refused.map(({ name }) => corpus.asSource(name)), names]);
  const { code, stdout } = await playbook("--limit", "hv");
  expect(code).not.toBe(0);
  const words = stdout.replaceAll('\\"', '"');
  for (const { name, refused: said } of [...corpus.refused, { name: "names.container", refused: "build-not-found.quadlet.volume" }]) {
    const pattern = `quadlet-unit web/${name}: Quadlet's generator rejects it:\\s*(\\\\n)?\\s*[^\\n]*"${name}": [^\\n]*${said!}`;
    expect([name, words]).toEqual([name, expect.stringMatching(pattern.replaceAll(".", "\\."))]);
  }
  expect([await written(), await started("hv", "web")]).toEqual(before);
});
