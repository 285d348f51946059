// Guests beside each other: one whose address is derived, two that are kept apart, and machines with a TPM and secure boot.
import { KERNEL, POOLS, definition, idle, machine, plug, tiny, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { page, text } from "./look";
import { alter, asHypervisor, changed, edit, good, hypervisor, playbook, previewedUp, stack, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;
let auto: string;

const ONE = "10.10.10.41";
const TWO = "10.10.10.42";
const OTHER = "10.10.10.44";
const apart = (address: string) => ({ interfaces: [{ ...plug(address), isolated: true }] });
// With a TPM, QEMU 10.0 places the initrd of an uncompressed kernel over the ACPI tables; of a compressed one it does not.
const compressed = { kernel: { ...KERNEL, kernel: "/srv/guest/vmlinuz" } };
const guests = [tiny("auto", { interfaces: [plug("auto")] }), tiny("one", apart(ONE)), tiny("two", apart(TWO))];

beforeAll(async () => {
  lab = await hypervisor();
  asHypervisor({ domains: guests });
  await up();
});

afterAll(() => lab.reset());

test("an address that is derived is the one at which the guest answers", async () => {
  const { output } = await good(stack(["stack", "output", "domains", "--json"]));
  const domains = JSON.parse(output) as { name: string; addresses: string[] }[];
  auto = domains.find(({ name }) => name === "auto")!.addresses[0]!;
  expect((await machine(auto))["uptime"]).toBeGreaterThan(0);
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

/** What one guest hears of another. */
const asked = (from: string, to: string): Promise<string> => page("hv", `http://${from}/cgi-bin/ask?${to}`);

test("guests that are isolated answer the host and the others, and not each other", async () => {
  expect(await asked(auto, ONE)).toContain("uptime ");
  expect(await asked(ONE, auto)).toContain("uptime ");
  expect(await asked(ONE, TWO)).toContain("no answer");
  expect(await asked(TWO, ONE)).toContain("no answer");
});

test("each is confined to its own files", async () => {
  const labels = await text("hv", "for one in auto one two; do cat /proc/$(cat /run/libvirt/qemu/$one.pid)/attr/current; done");
  const uuids = await Promise.all(["auto", "one", "two"].map((name) => virsh("domuuid", name)));
  expect(labels).toBe(uuids.map((uuid) => `libvirt-${uuid.trim()} (enforce)\n`).join(""));
});

/** Two guests in VLAN iot, which has this network; one of them with a derived address. */
function declareIot(network: string): void {
  const inIot = (address: string) => ({ interfaces: [{ bridge: "br0", vlan: 20, address }] });
  asHypervisor({ domains: [...guests, idle("given", inIot(`${network}.30`)), idle("derived", inIot("auto"))] });
  alter<{ vlans: Record<string, unknown>[] }>("host_vars/hv.yml", ({ vlans }) => {
    const dhcp = { from: `${network}.100`, to: `${network}.199` };
    Object.assign(
      vlans.find(({ name }) => name === "iot")!,
      { address: `${network}.1/24`, dhcp },
    );
  });
}

test("a VLAN gets another network together with the guests in it, by either route", async () => {
  declareIot("10.10.20");
  await previewedUp();
  declareIot("10.20.0");
  const { output } = await previewedUp();
  expect(output).toMatch(/hv\/domain\/given: unverified: .*10\.20\.0\.30 is no guest's address in iot, which is 10\.10\.20\.0\/24/);
  expect(output).toMatch(/hv\/domain\/derived: unverified: .*10\.20\.0\.\d+ is no guest's address in iot/);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  declareIot("10.10.20");
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 2 });
  expect((await playbook("--limit", "hv")).code).toBe(0);
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

test("a TPM is there when the guest runs, and secure boot is defined as libvirt wants it", async () => {
  asHypervisor({
    pools: POOLS,
    volumes: [volume("secure")],
    domains: [
      ...guests.slice(0, 1),
      tiny("with-tpm", { ...compressed, tpm: true, interfaces: [plug(OTHER)] }),
      idle("secure", { kernel: undefined, firmware: "uefi-secure", tpm: true, disks: [{ volume: "vms/secure" }] }),
    ],
  });
  edit("host_vars/hv.yml", "packages: [ovmf]", "packages: [ovmf, swtpm-tools]");
  const { output } = await previewedUp();
  expect(output).toMatch(/hv\/domain\/with-tpm: unverified: .*a TPM needs swtpm on this host; add package swtpm-tools/);
  expect((await machine(OTHER))["uptime"]).toBeGreaterThan(0);
  expect(await text("hv", "pgrep -a swtpm")).toContain((await virsh("domuuid", "with-tpm")).trim());
  expect((await definition("secure")).join("\n")).toMatch(/<loader [^>]*secure='yes'[^]*<smm state='on'\/>[^]*<tpm model=/);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});
