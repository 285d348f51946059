// A state that a released version wrote is refreshed, updated and destroyed by today's code. The hosts hold the same units, but today's
// code made them: what an older version left otherwise on a host is not seen here.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stepsIn } from "./drifts";
import { virsh } from "./guests";
import { type Lab } from "./lab";
import { started, traces } from "./look";
import { STACK, alter, asHypervisor, configured, good, hypervisor, inventory, setVault, stack, up } from "./project";
import { projectRoot } from "./pulumi";

jest.setTimeout(3_600_000);

const folder = join(__dirname, "../states");
const versions = readdirSync(folder).map((file) => file.slice(0, -".json".length));

interface State {
  deployment: { resources: { id?: string; type: string; outputs?: { unit?: object } }[] };
}

type Unit = Record<string, unknown>;

interface Hv {
  homelab_host: Unit;
  bridges: { ports: { tagged: number[] }[] }[];
  vlans: { name: string; dhcp: Unit }[];
  nftables_tables: { content: string }[];
  service_users: Unit[];
  quadlet_units: { name: string; sections: Record<string, Unit> }[];
  pools?: Unit[];
  volumes?: Unit[];
  domains?: Unit[];
  sysctls?: { settings: Record<string, unknown> }[];
}

/** Changes a property of one unit of each kind that a state has, and says which units these are. */
async function changeOneOfEachKind(guests: boolean, sysctls: boolean): Promise<string[]> {
  await setVault({ greeting: "another" });
  alter<Hv>("host_vars/hv.yml", (hv) => {
    hv.homelab_host["forwarding"] = false;
    hv.bridges[0]!.ports[0]!.tagged.push(30);
    hv.vlans.find(({ name }) => name === "iot")!.dhcp["to"] = "10.10.20.150";
    hv.nftables_tables[0]!.content = hv.nftables_tables[0]!.content.replace("devices reach nothing on this host", "devices reach nothing");
    hv.service_users[0]!["on_delete"] = "destroy";
    hv.quadlet_units.find(({ name }) => name === "web.container")!.sections["Unit"]!["Description"] = "A page";
    Object.assign(hv.sysctls?.[0]?.settings ?? {}, { "vm.swappiness": 20 });
    Object.assign(hv.pools?.[0] ?? {}, { adopt: true });
    Object.assign(hv.volumes?.find(({ name }) => name === "stays") ?? {}, { size: "32 MiB" });
    Object.assign(hv.domains?.find(({ name }) => name === "live") ?? {}, { description: "another text" });
  });
  const base = ["bridge/br0", "host", "nftables-table/inet/isolation", "podman-secret/web/greeting", "quadlet-unit/web/web.container"];
  const more = guests ? ["domain/live", "pool/vms", "volume/vms/stays"] : [];
  return [...base, "service-user/web", ...(sysctls ? ["sysctl/memory"] : []), "vlan/iot", ...more].map((name) => `hv/${name}`);
}

const kindsOf = (ids: string[]): string[] => [...new Set(ids.map((id) => id.split("/")[1]!))].sort();

let lab: Lab;

/** The lab with the units that a state holds, and more: guests are on it only where the state has some. */
async function labOf({ deployment }: State, more: Record<string, object[]> = {}): Promise<Lab> {
  const unitsOf = (type: string) =>
    deployment.resources.filter((one) => one.type.endsWith(`:${type}`)).flatMap(({ outputs }) => outputs?.unit ?? []);
  const domains = unitsOf("Domain");
  if (domains.length === 0) return configured();
  const found = await hypervisor();
  asHypervisor({ pools: unitsOf("Pool"), volumes: unitsOf("Volume"), domains, sysctls: unitsOf("Sysctl"), ...more });
  await up();
  return found;
}

/** Also which guests run, each with the number that a start gives it. */
const all = async (guests: boolean) => (await traces("hv")) + (guests ? await virsh("list", "--all") : "");

afterAll(() => lab.reset());

const read = (version: string) => readFileSync(join(folder, `${version}.json`), "utf8").replaceAll("STACK", STACK);

// For a release, RELEASING.md: the units of an older state, one of each kind that came since, and all as today's version writes it.
if (process.env["HOMELAB_ACCEPT"])
  test("a state of today's version is kept", async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string };
    lab = await labOf(JSON.parse(read(versions.find((one) => one.endsWith("guests"))!)) as State, {
      sysctls: [{ name: "memory", settings: { "vm.swappiness": 10 } }],
    });
    const { output } = await good(stack(["stack", "export"]));
    writeFileSync(join(folder, `${version}.json`), output.replaceAll(STACK, "STACK"));
  });

describe.each(versions)("the state of %s", (version) => {
  const state = read(version);
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
    // A resource with a former key is shown with its new one, and with its drift, which is an empty list.
    expect(output).not.toMatch(/deleted|drift +: (?!\[\]\n)/);
    expect(await all(guests)).toBe(before);
  });

  test("is updated in one property of each kind, as announced: in place, and without touching what did not change", async () => {
    const ids = await changeOneOfEachKind(guests, state.includes("homelab:Sysctl"));
    expect(kindsOf(ids)).toEqual(kindsOf(deployment.resources.flatMap(({ id }) => (id?.includes("/") ? [id] : []))));
    const steps = Object.fromEntries(ids.map((id) => [id, "update"]));
    const announced = (await good(stack(["preview", "--diff"]))).output;
    expect(stepsIn(announced)).toEqual(steps);
    expect(announced).not.toMatch(/verified on the host: (replace|data-loss)/);
    const running = async () => [
      await traces("app"),
      (await started("hv", "web")).split("\n").filter((line) => line.startsWith("web-image.service ")),
      guests && (await virsh("list", "--all")),
    ];
    const before = await running();
    const { output } = await good(stack(["up", "--yes", "--skip-preview", "--diff"]));
    expect(stepsIn(output)).toEqual(steps);
    // Pulumi counts no provider.
    expect(output).toMatch(
      new RegExp(`Resources:\\n +~ ${ids.length} updated\\n +${deployment.resources.length - 1 - ids.length} unchanged`),
    );
    expect(await running()).toEqual(before);
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
