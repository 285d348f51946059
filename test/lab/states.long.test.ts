// A state that a released version wrote, on hosts as that version left them: refreshed, updated and destroyed by today's code.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab } from "./lab";
import { started, traces } from "./look";
import { STACK, configured, edit, good, inventory, stack } from "./project";

jest.setTimeout(3_600_000);

const folder = join(__dirname, "../states");
const versions = readdirSync(folder).map((file) => file.slice(0, -".json".length));

let lab: Lab;

afterAll(() => lab.reset());

describe.each(versions)("the state of %s", (version) => {
  beforeAll(async () => {
    lab = await configured();
    const file = join(inventory, "../state.json");
    const state = readFileSync(join(folder, `${version}.json`), "utf8").replaceAll("STACK", STACK);
    // Also the code that it names is another one.
    writeFileSync(file, state.replaceAll("exports.handler = __f0;", "exports.handler = __f0; // of then"));
    await good(stack(["stack", "import", "--file", file]));
  });

  test("is refreshed, and nothing is found lost or changed", async () => {
    const before = await traces("hv");
    const { output } = await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]));
    expect(output).not.toMatch(/deleted|drift/);
    expect(await traces("hv")).toBe(before);
  });

  test("is updated without a replacement, and without touching what did not change", async () => {
    const web = await started("hv", "web");
    edit("host_vars/hv.yml", "trunk: [10, 20]", "trunk: [10, 20, 30]");
    const { output } = await good(stack(["up", "--yes", "--skip-preview", "--diff"]));
    expect(output).not.toMatch(/replaced|deleted|created/);
    expect(output).toMatch(/~ 1 updated/);
    expect(output).toMatch(/16 unchanged/);
    expect(await started("hv", "web")).toBe(web);
    await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  });

  test("is destroyed", async () => {
    await good(stack(["destroy", "--yes", "--skip-preview"]));
    const { output } = await good(stack(["stack", "export"]));
    expect(output).not.toContain("dynamic/homelab");
    expect(await traces("hv")).not.toMatch(/homelab\/nftables|10-homelab/);
  });
});
