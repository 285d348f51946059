// What libvirt refuses or a host cannot carry: each is told for itself, nothing is left half, and nobody else notices.
import { KERNEL, POOLS, definition, idle, machine, plug, tiny, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, good, hypervisor, playbook, stack, up } from "./project";
import { type PulumiRun } from "./pulumi";

jest.setTimeout(3_600_000);

let lab: Lab;

const ADDRESS = "10.10.10.33";
// The engine begins nothing new once something failed, so all are asked for at the same time.
const WIDE = { PULUMI_PARALLEL: "256" };
const there = { pools: POOLS, volumes: [volume("steady"), volume("plain", { format: "raw" })] };
const steady = tiny("steady", { disks: [{ volume: "vms/steady" }], interfaces: [plug(ADDRESS)] });
const devices = (inner: string) => ({ xml: `<domain><devices>${inner}</devices></domain>` });

/** Each with what is wrong with it, and what is said of it. */
const bad: Record<string, [more: object, said: RegExp]> = {
  "machine-unknown": [{ machine: "pc-q35-99.0" }, /machine|emulator|does not support/i],
  "cpu-unknown": [{ cpu: "Frobnicator" }, /no model that this host's QEMU knows; those that run here are/],
  "cpu-lacking": [{ cpu: "EPYC-Genoa" }, /has features that this host's processor does not have/],
  "memory-too-much": [{ memory: "2 TiB" }, /2097152 MiB of memory are more than this host has, which are \d+ MiB/],
  "memory-max-too-much": [{ memory_max: "64 GiB" }, /more than this host has/],
  "vcpus-too-many": [{ machine: "pc", vcpus: 400 }, /400 vcpus are more than machine type pc has/],
  "secure-boot-of-pc": [{ machine: "pc", firmware: "uefi-secure" }, /secure boot is not on this host, or not for this machine type/],
  "tpm-missing": [{ tpm: true }, /add package swtpm-tools/],
  "kernel-missing": [{ kernel: { kernel: "/srv/none" } }, /there is no file \/srv\/none/],
  "initrd-missing": [{ kernel: { ...KERNEL, initrd: "/srv/none" } }, /there is no file \/srv\/none/],
  "cd-missing": [{ disks: [{ cdrom: "/srv/none.iso" }] }, /there is no file \/srv\/none.iso/],
  "bridge-missing": [{ interfaces: [{ bridge: "br77" }] }, /there is no bridge br77 yet; `bridges` makes it/],
  "mac-of-many": [{ interfaces: [{ bridge: "br0", mac: "53:54:00:00:00:01" }] }, /unicast|multicast|schema/],
  "ide-of-q35": [{ disks: [{ cdrom: "", target: "hda" }] }, /IDE/],
  "snapshot-of-raw": [{ snapshot: true, disks: [{ volume: "vms/plain" }] }, /vda|raw|qcow2/],
  "element-unknown": [devices("<frobnicator/>"), /frobnicator|schema|Extra element/i],
  "value-unknown": [devices("<watchdog model='i6300esb' action='frobnicate'/>"), /watchdog|action|schema/i],
  "topology-contradicts": [{ xml: "<domain><cpu><topology sockets='3' dies='1' cores='1' threads='1'/></cpu></domain>" }, /topology/i],
  "address-of-another": [
    devices(
      "<watchdog model='i6300esb' action='reset'><address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x0'/></watchdog>",
    ),
    /PCI|address/,
  ],
  "controller-unknown": [devices("<controller type='scsi' index='0' model='frobnicator'/>"), /frobnicator|model|schema/i],
  "said-otherwise": [{ xml: "<domain><os><bios rebootTimeout='07'/></os></domain>" }, /libvirt normalises this value differently/],
};

/** Not known before libvirt has written it down. */
const ONLY_BY_DEFINING = new Set(["said-otherwise"]);

const declare = (domains: object[]) => asHypervisor({ ...there, domains: [steady, ...domains] });
const declareSteady = (more: object) => asHypervisor({ ...there, domains: [{ ...steady, restart: "allowed", ...more }] });
const all = Object.entries(bad).map(([name, [more]]) => idle(name, more));

/** What is on the host of guests, and since when the steady one runs. */
const guests = async () => [
  await virsh("list", "--all", "--name"),
  await text(
    "hv",
    "ls /srv/vms /var/lib/libvirt/boot; find /etc/systemd/network /var/lib/homelab -type f | grep -v '/[.]' | sort; cat /run/libvirt/qemu/steady.pid",
  ),
];

beforeAll(async () => {
  lab = await hypervisor();
  declare([]);
  await up();
});

afterAll(() => lab.reset());

const routes: Record<string, () => Promise<PulumiRun>> = {
  "a preview": () => stack(["preview"]),
  Pulumi: () => stack(["up", "--yes", "--skip-preview"], WIDE),
  "plain Ansible": async () => {
    const { code, stdout } = await playbook("--limit", "hv");
    return { code, output: stdout.replaceAll("\\n", "\n") };
  },
};

test.each(Object.keys(routes))("each is told for itself, by %s", async (route) => {
  const before = await guests();
  const { uptime } = await machine(ADDRESS);
  declare(all);
  const { code, output } = await routes[route]!();
  expect(code).not.toBe(0);
  for (const [name, [, words]] of Object.entries(bad).filter(([one]) => !(route === "a preview" && ONLY_BY_DEFINING.has(one))))
    expect([name, output]).toEqual([name, expect.stringMatching(linesOf(name, words))]);
  expect(await guests()).toEqual(before);
  expect((await machine(ADDRESS))["uptime"]!).toBeGreaterThan(uptime!);
});

/** Words that follow a domain's name before another's. */
function linesOf(name: string, words: RegExp): RegExp {
  const others = Object.keys(bad).filter((one) => one !== name);
  return new RegExp(`\\b${name}\\b(?:(?!\\b(?:${others.join("|")})\\b)[^])*?(${words.source})`, words.flags);
}

test.each(["said-otherwise", "element-unknown", "machine-unknown"])("a guest that runs stays as it is: %s", async (name) => {
  const before = [await definition("steady"), await virsh("dumpxml", "steady"), await guests()];
  declareSteady(bad[name]![0]);
  const { code, stdout } = await playbook("--limit", "hv");
  expect(code).not.toBe(0);
  expect(stdout.replaceAll("\\n", "\n")).toMatch(linesOf("steady", bad[name]![1]));
  expect([await definition("steady"), await virsh("dumpxml", "steady"), await guests()]).toEqual(before);
});

test("without them the rest goes on", async () => {
  declare([]);
  // The refused runs of plain Ansible are known to the host alone.
  await up("--refresh");
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});

test("no room for a copy is told before it is begun; a disk that is full all the same is told, and nothing is left", async () => {
  // Room for the data, but not for what the format adds.
  await text("hv", "mkdir /srv/small && mount -t tmpfs -o size=4m,mode=0711 none /srv/small && head -c 4M /dev/urandom >/srv/big.raw");
  await text("hv", "yes | head -c 16M >/tmp/packed && qemu-img convert -c -O qcow2 /tmp/packed /srv/packed.qcow2");
  const hash = async (file: string) => (await text("hv", `sha256sum ${file}`)).slice(0, 64);
  const { uptime } = await machine(ADDRESS);
  asHypervisor({
    pools: [...POOLS, { name: "small", path: "/srv/small" }],
    images: [
      { name: "big", source: "/srv/big.raw", sha256: await hash("/srv/big.raw") },
      { name: "packed", source: "/srv/packed.qcow2", sha256: await hash("/srv/packed.qcow2") },
    ],
    volumes: [...there.volumes, ...["big", "packed"].map((image) => ({ pool: "small", name: image, size: "16 MiB", image }))],
    domains: [steady, idle("waiting", { disks: [{ volume: "small/big" }] })],
  });
  const { code, output } = await stack(["up", "--yes", "--skip-preview"], WIDE);
  expect(code).not.toBe(0);
  expect(output).toMatch(/small\/big: [^]*No space left on device/);
  expect(output).toMatch(/small\/packed: image packed takes \d+ MiB, and there are \d MiB left in \/srv\/small/);
  expect(await text("hv", "ls -A /srv/small")).toBe("");
  expect(await virsh("list", "--all", "--name")).not.toContain("waiting");
  expect((await machine(ADDRESS))["uptime"]!).toBeGreaterThan(uptime!);
  await text("hv", "mount -o remount,size=64m /srv/small");
  await up();
  expect(await virsh("list", "--all", "--name")).toContain("waiting");
});

test("a guest that takes no notice is treated as declared", async () => {
  const stubborn = tiny("stubborn", { kernel: { ...KERNEL, cmdline: `${KERNEL.cmdline} stubborn` }, interfaces: [plug("10.10.10.34")] });
  declare([stubborn]);
  await up();
  declare([{ ...stubborn, running: false, shutdown_seconds: 10 }]);
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(output).toMatch(/did not shut down within 10 s and still runs; `force_off: true` lets it be cut off/);
  expect(await virsh("domstate", "stubborn")).toBe("running\n");
  declare([{ ...stubborn, running: false, shutdown_seconds: 10, force_off: true }]);
  await up();
  expect(await virsh("domstate", "stubborn")).toBe("shut off\n");
});
