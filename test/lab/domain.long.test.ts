// A virtual machine, from nothing to changes while it runs: a tiny guest, which the lab can emulate within the emulated hv.
import { POOLS, definition, machine, plug, tiny, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, changed, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;
let firstDefinition: string[];

const ADDRESS = "10.10.10.30";
const guest = tiny("tiny", { memory_max: "192 MiB", vcpus_max: 2, disks: [{ volume: "vms/tiny" }], interfaces: [plug(ADDRESS)] });
const units = { pools: POOLS, volumes: [volume("tiny")], domains: [guest] };
const larger = { ...units, volumes: [volume("tiny", { size: "32 MiB" })], domains: [{ ...guest, memory: "160 MiB", vcpus: 2 }] };

beforeAll(async () => {
  lab = await hypervisor();
});

afterAll(() => lab.reset());

test("a guest is made with its disk, and answers under its address", async () => {
  asHypervisor(units);
  expect((await up()).output).toMatch(/\+ 3 created/);
  expect(await machine(ADDRESS)).toMatchObject({ processors: 1, "disk vda": 32768 });
  expect(await virsh("list", "--name", "--autostart")).toContain("tiny");
  firstDefinition = await definition("tiny");
});

test("a second up changes nothing, and plain Ansible neither", async () => {
  expect((await up()).output).toMatch(/20 unchanged/);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

test("other projects hear of it", async () => {
  const { output } = await good(stack(["stack", "output", "domains", "--json"]));
  const uuid = (await virsh("domuuid", "tiny")).trim();
  expect(JSON.parse(output)).toEqual([{ host: "hv", name: "tiny", uuid, addresses: [ADDRESS] }]);
});

test("what can be changed while it runs is, and the guest sees it without a boot", async () => {
  const uuid = await virsh("domuuid", "tiny");
  const before = (await machine(ADDRESS))["uptime"]!;
  asHypervisor(larger);
  expect((await up()).output).toMatch(/~ 2 updated/);
  const now = await machine(ADDRESS);
  expect(now).toMatchObject({ processors: 2, "disk vda": 65536 });
  expect(now["uptime"]!).toBeGreaterThan(before);
  expect(await virsh("domuuid", "tiny")).toBe(uuid);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});

test("a guest is shut down gently, and its disk outlives it", async () => {
  const disk = await text("hv", "sha256sum /srv/vms/tiny");
  asHypervisor({ ...larger, domains: [{ ...larger.domains[0]!, running: false }] });
  await up();
  expect(await virsh("domstate", "tiny")).toBe("shut off\n");
  expect(await text("hv", "cat /var/log/libvirt/qemu/$(virsh domuuid tiny).console.log")).toContain("the power button was pressed");
  asHypervisor({});
  expect((await up()).output).toMatch(/- 3 deleted/);
  expect(await virsh("list", "--all", "--name")).not.toContain("tiny");
  expect(await text("hv", "sha256sum /srv/vms/tiny")).toBe(disk);
});

test("with on_delete: destroy a volume's file goes, too", async () => {
  asHypervisor({ pools: POOLS, volumes: [volume("gone", { on_delete: "destroy" }), volume("stays")] });
  await up();
  asHypervisor({});
  await up();
  expect(await text("hv", "ls /srv/vms")).toBe("stays\ntiny\n");
});

test("plain Ansible makes the same", async () => {
  await hypervisor();
  asHypervisor(units);
  expect((await playbook("--limit", "hv")).code).toBe(0);
  expect(await machine(ADDRESS)).toMatchObject({ processors: 1, "disk vda": 32768 });
  expect(await definition("tiny")).toEqual(firstDefinition);
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
});
