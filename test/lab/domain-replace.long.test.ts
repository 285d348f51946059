// Another machine type makes a new machine of a domain, and another name none: its identity and its disks stay with both.
import { POOLS, contents, definition, fill, idle, machine, plug, tiny, virsh, volume, write } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, hypervisor, playbook, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;
let sha256: string;

const ADDRESS = "10.10.10.31";
const GUESTS = ["on", "off"];

/** Two guests that share these fields, one of which runs; that one may have fields of its own. */
function declare(fields: object, more: object = {}): void {
  asHypervisor({
    pools: POOLS,
    images: [{ name: "filled", source: "/srv/filled.raw", sha256 }],
    volumes: GUESTS.map((name) => volume(name, { image: "filled" })),
    domains: [
      tiny("on", { disks: [{ volume: "vms/on" }], interfaces: [plug(ADDRESS)], ...fields, ...more }),
      idle("off", { disks: [{ volume: "vms/off" }], interfaces: [plug("10.10.10.32")], ...fields }),
    ],
  });
}

const apply = () => playbook("--limit", "hv", "--diff");

/** What no replacement changes of a domain. */
async function identity(name: string): Promise<unknown[]> {
  const macs = (await definition(name)).filter((line) => line.includes("<mac "));
  return [await virsh("domuuid", name), macs];
}

const all = async () => [await identity("on"), await identity("off"), await contents(GUESTS)];

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/filled.raw; sha256sum /srv/filled.raw")).slice(0, 64);
  declare({});
  await up();
  await write(ADDRESS, "on");
  await fill(["off"]);
  expect(new Set([...(await contents(GUESTS)), sha256]).size).toBe(3);
});

afterAll(() => lab.reset());

test("another machine type is refused until a restart is allowed, and then keeps UUID, MAC addresses and disks", async () => {
  const before = await all();
  const { uptime } = await machine(ADDRESS);
  declare({ machine: "pc" });
  const { stdout } = await apply();
  for (const name of GUESTS) expect(stdout).toMatch(new RegExp(`domain ${name}: .*restart: allowed`));
  expect((await machine(ADDRESS))["uptime"]!).toBeGreaterThan(uptime!);
  declare({ machine: "pc", restart: "allowed" });
  const replaced = (await apply()).stdout;
  for (const name of GUESTS) expect(replaced).toContain(`domain ${name} (replace): `);
  expect(await all()).toEqual(before);
  expect((await machine(ADDRESS))["uptime"]).toBeDefined();
  expect(await text("hv", "ls /var/lib/homelab/lab/replaced")).toMatch(/^off-.*\.xml\non-.*\.xml\n$/);
});

test("with another name it is the same guest", async () => {
  const before = await identity("on");
  declare({ machine: "pc", restart: "allowed", vcpus: 2 }, { name: "renamed", renamed_from: "on" });
  expect((await up()).output).not.toMatch(/created|deleted/);
  expect(await identity("renamed")).toEqual(before);
  expect(await machine(ADDRESS)).toMatchObject({ processors: 2 });
  expect(await virsh("list", "--all", "--name")).not.toMatch(/^on$/m);
});
