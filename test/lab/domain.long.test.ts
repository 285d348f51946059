// A virtual machine, from nothing to changes while it runs: a tiny guest, which the lab can emulate within the emulated hv.
import { type Lab } from "./lab";
import { page, text } from "./look";
import { changed, configured, edit, good, playbook, stack, up, withMore } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;

const NET = { bridge: "br0", vlan: 10, address: "10.10.10.30" };
const guest = {
  name: "tiny",
  memory: "128 MiB",
  memory_max: "192 MiB",
  vcpus_max: 2,
  kernel: { kernel: "/srv/guest/vmlinuz", initrd: "/srv/guest/initrd.img", cmdline: "console=ttyS0 quiet net.ifnames=0" },
  disks: [{ volume: "vms/tiny" }],
  interfaces: [NET],
  start_seconds: 600,
};
const units = {
  pools: [{ name: "vms", path: "/srv/vms" }],
  volumes: [{ pool: "vms", name: "tiny", size: "16 MiB" }],
  domains: [guest],
};

/** What the guest itself says it has: `uptime 12`, `memory 100000`, `disk vda 32768` … */
async function machine(): Promise<Record<string, number>> {
  const said = await page("hv", "http://10.10.10.30/cgi-bin/machine");
  const lines = said
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  return Object.fromEntries(lines.map((words) => [words.slice(0, -1).join(" "), Number(words.at(-1))]));
}

const virsh = (...args: string[]): Promise<string> => text("hv", `virsh -q ${args.join(" ")}`);

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

test("a host becomes a hypervisor", async () => {
  edit("host_vars/hv.yml", "podman: true", "podman: true\n  hypervisor: true");
  expect((await up()).output).toMatch(/~ 1 updated/);
});

test("a guest is made with its disk, and answers under its address", async () => {
  more(units);
  expect((await up()).output).toMatch(/\+ 3 created/);
  expect(await machine()).toMatchObject({ processors: 1, "disk vda": 32768 });
  expect(await virsh("list", "--name", "--autostart")).toContain("tiny");
});

test("a second up changes nothing, and plain Ansible neither", async () => {
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

test("what can be changed while it runs is, and the guest sees it without a boot", async () => {
  const uuid = await virsh("domuuid", "tiny");
  const before = (await machine())["uptime"]!;
  more({
    ...units,
    volumes: [{ pool: "vms", name: "tiny", size: "32 MiB" }],
    domains: [{ ...guest, memory: "160 MiB", vcpus: 2, description: "larger" }],
  });
  expect((await up()).output).toMatch(/~ 2 updated/);
  const now = await machine();
  expect(now).toMatchObject({ processors: 2, "disk vda": 65536 });
  expect(now["uptime"]!).toBeGreaterThan(before);
  expect(await virsh("domuuid", "tiny")).toBe(uuid);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});

test("what was changed by hand is named and made good", async () => {
  await virsh("setmem", "tiny", "131072", "--live", "--config");
  await virsh("autostart", "tiny", "--disable");
  const { output } = await good(stack(["refresh", "--yes", "--diff"]));
  expect(output).toMatch(/currentMemory/);
  expect(output).toMatch(/autostart is off, wanted on/);
  expect((await up()).output).toMatch(/~ 1 updated/);
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});

test("a guest is shut down gently, and its disk outlives it", async () => {
  const disk = await text("hv", "sha256sum /srv/vms/tiny");
  more({
    ...units,
    volumes: [{ pool: "vms", name: "tiny", size: "32 MiB" }],
    domains: [{ ...guest, memory: "160 MiB", vcpus: 2, running: false }],
  });
  await up();
  expect(await virsh("domstate", "tiny")).toBe("shut off\n");
  expect(await text("hv", "cat /var/log/libvirt/qemu/tiny.console.log")).toContain("the power button was pressed");
  more({});
  expect((await up()).output).toMatch(/- 3 deleted/);
  expect(await virsh("list", "--all", "--name")).not.toContain("tiny");
  expect(await text("hv", "sha256sum /srv/vms/tiny")).toBe(disk);
});

/** The lab's own configuration of hv as a hypervisor, with these units more. */
function more(lists: Record<string, object[]>): void {
  withMore(lists);
  edit("host_vars/hv.yml", "podman: true", "podman: true\n  hypervisor: true");
}
