// What makes of a domain a new machine: another type or firmware, and another name. Its disks, its identity and its firmware's memory stay.
import { KERNEL, POOLS, contents, definition, idle, machine, plug, tiny, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;
let sha256: string;

const ADDRESS = "10.10.10.31";
const GUESTS = ["on", "off"];

/** Firmware of UEFI starts kernels of another form, which need more room. */
const UEFI = { firmware: "uefi", memory: "256 MiB", kernel: { ...KERNEL, kernel: "/srv/guest/vmlinuz" } };

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

async function expectReplaced(): Promise<void> {
  const { stdout } = await apply();
  for (const name of GUESTS) expect(stdout).toContain(`domain ${name} (replace): `);
}

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/filled.raw; sha256sum /srv/filled.raw")).slice(0, 64);
  declare({});
  await up();
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
  await expectReplaced();
  expect(await all()).toEqual(before);
  expect((await machine(ADDRESS))["uptime"]).toBeDefined();
  expect(await text("hv", "ls /var/lib/homelab/lab/replaced")).toMatch(/^off-.*\.xml\non-.*\.xml\n$/);
});

test("firmware of UEFI keeps what it remembers through later changes", async () => {
  const nvram = () => text("hv", "sha256sum /var/lib/libvirt/qemu/nvram/$(virsh domuuid on)_VARS.fd");
  const before = await all();
  declare({ ...UEFI, restart: "allowed" });
  await expectReplaced();
  expect(await all()).toEqual(before);
  const remembered = await nvram();
  declare({ ...UEFI, restart: "allowed", description: "with UEFI", vcpus: 2 });
  await good(stack(["up", "--yes", "--skip-preview", "--refresh"]));
  expect(await nvram()).toBe(remembered);
  expect(await machine(ADDRESS)).toMatchObject({ processors: 2 });
});

test("with another name it is the same guest", async () => {
  const before = await identity("on");
  declare({ ...UEFI, restart: "allowed", description: "with UEFI", vcpus: 2 }, { name: "renamed", renamed_from: "on" });
  expect((await up()).output).not.toMatch(/created|deleted/);
  expect(await identity("renamed")).toEqual(before);
  expect(await machine(ADDRESS)).toMatchObject({ processors: 2 });
  expect(await virsh("list", "--all", "--name")).not.toMatch(/^on$/m);
});
