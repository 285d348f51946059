// A state that a released version wrote, on hosts as that version left them: refreshed, updated and destroyed by today's code.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab } from "./lab";
import { virsh } from "./guests";
import { started, traces } from "./look";
import { STACK, alter, asHypervisor, configured, good, hypervisor, inventory, stack, up } from "./project";

jest.setTimeout(3_600_000);

const folder = join(__dirname, "../states");
const versions = readdirSync(folder).map((file) => file.slice(0, -".json".length));

interface State {
  deployment: { resources: { type: string; outputs?: { unit?: object } }[] };
}

interface Bridged {
  bridges: { ports: { trunk: number[] }[] }[];
}

let lab: Lab;

/** The lab as that version left it: guests are on it only where the state has some. */
async function labOf({ deployment }: State): Promise<Lab> {
  const unitsOf = (type: string) =>
    deployment.resources.filter((one) => one.type.endsWith(`:${type}`)).flatMap(({ outputs }) => outputs?.unit ?? []);
  const domains = unitsOf("Domain");
  if (domains.length === 0) return configured();
  const found = await hypervisor();
  asHypervisor({ pools: unitsOf("Pool"), volumes: unitsOf("Volume"), domains });
  await up();
  return found;
}

/** Also which guests run, each with the number that a start gives it. */
const all = async (guests: boolean) => (await traces("hv")) + (guests ? await virsh("list", "--all") : "");

afterAll(() => lab.reset());

describe.each(versions)("the state of %s", (version) => {
  const state = readFileSync(join(folder, `${version}.json`), "utf8").replaceAll("STACK", STACK);
  const { deployment } = JSON.parse(state) as State;
  const guests = state.includes("homelab:Domain");

  beforeAll(async () => {
    lab = await labOf({ deployment });
    const file = join(inventory, "../state.json");
    // Also the code that it names is another one.
    writeFileSync(file, state.replaceAll("exports.handler = __f0;", "exports.handler = __f0; // of then"));
    await good(stack(["stack", "import", "--file", file]));
  });

  test("is refreshed, and nothing is found lost or changed", async () => {
    const before = await all(guests);
    const { output } = await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]));
    expect(output).not.toMatch(/deleted|drift/);
    expect(await all(guests)).toBe(before);
  });

  test("is updated without a replacement, and without touching what did not change", async () => {
    const running = async () => (await started("hv", "web")) + (guests ? await virsh("list", "--all") : "");
    const before = await running();
    alter<Bridged>("host_vars/hv.yml", ({ bridges }) => void bridges[0]!.ports[0]!.trunk.push(30));
    const { output } = await good(stack(["up", "--yes", "--skip-preview", "--diff"]));
    expect(output).not.toMatch(/\d+ (replaced|deleted|created)/);
    expect(output).toMatch(/~ 1 updated/);
    // Of the resources, the bridge is another one, and Pulumi counts no provider.
    expect(output).toContain(`${deployment.resources.length - 2} unchanged`);
    expect(await running()).toBe(before);
    await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  });

  test("is destroyed", async () => {
    await good(stack(["destroy", "--yes", "--skip-preview"]));
    const { output } = await good(stack(["stack", "export"]));
    expect(output).not.toContain("dynamic/homelab");
    expect(await traces("hv")).not.toMatch(/homelab\/nftables|10-homelab/);
    if (guests) expect((await virsh("list", "--all")).trim()).toBe("");
  });
});
