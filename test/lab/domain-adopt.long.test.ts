// Guests that virt-install made are taken over: one that runs does not notice.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { POOLS, definition, virsh, volume, without } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, changed, good, hypervisor, playbook, stack, up } from "./project";
import { projectRoot } from "./pulumi";

jest.setTimeout(3_600_000);

let lab: Lab;

const BRIDGE = { bridge: "br0" };
// What virt-install was asked for stands in test/host/test_adopt.py.
const guests: Record<string, { file: string; running: boolean; unit: object }> = {
  deb1: { file: "deb1.qcow2", running: true, unit: { memory: "256 MiB", interfaces: [BRIDGE], graphics: "vnc" } },
  deb2: {
    file: "deb2.qcow2",
    running: false,
    unit: { memory: "256 MiB", vcpus: 2, vcpus_max: 4, firmware: "uefi-secure", interfaces: [{ ...BRIDGE, mac: "52:54:00:aa:bb:cc" }] },
  },
  win: {
    file: "win.qcow2",
    running: false,
    unit: { memory: "512 MiB", vcpus: 2, interfaces: [{ ...BRIDGE, model: "e1000e" }], graphics: "vnc" },
  },
  old: { file: "old.qcow2", running: true, unit: { memory: "256 MiB", machine: "pc", vcpus: 2, interfaces: [BRIDGE], graphics: "vnc" } },
  plain: { file: "plain.raw", running: true, unit: { memory: "128 MiB", machine: "pc", cpu: "qemu64" } },
};
const TARGETS: Record<string, object> = { win: { target: "sda" }, plain: { target: "hda" } };
const names = Object.keys(guests);

const units = (adopt: object) => ({
  pools: POOLS,
  volumes: names.map((name) => volume(guests[name]!.file, { size: "1 GiB", format: guests[name]!.file.split(".")[1], ...adopt })),
  domains: names.map((name) => {
    const { file, running, unit } = guests[name]!;
    const disks = [{ volume: `vms/${file}`, ...TARGETS[name] }, ...(name === "deb2" ? [{ cdrom: "/srv/guest/initrd.img" }] : [])];
    return { name, ...unit, disks, running, autostart: false, ...adopt };
  }),
});

const live = async (name: string) => (await virsh("dumpxml", "--security-info", name)).split("\n");
const processes = () => text("hv", "head /run/libvirt/qemu/*.pid");
/** Our mark, and where libvirt declares its namespace. */
const OURS = /<\/?(metadata|homelab)/;

beforeAll(async () => {
  lab = await hypervisor();
  asHypervisor({ pools: POOLS });
  await up();
  for (const name of names) {
    const { file, running } = guests[name]!;
    await text("hv", `qemu-img create -q -f ${file.split(".")[1]} /srv/vms/${file} 1G`);
    const xml = readFileSync(join(projectRoot, `test/host/domain/virt-install-${name}.xml`), "utf8");
    await lab.ssh("hv", "cat >/tmp/domain.xml", { input: xml });
    await text("hv", `virsh define /tmp/domain.xml && { ${running} && virsh start ${name} || true; }`);
  }
});

afterAll(() => lab.reset());

test("what is there is nobody's, and is left alone without the user's word", async () => {
  const before = await Promise.all(names.map(definition));
  asHypervisor(units({}));
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(output).toMatch(/adopt: true/);
  expect(await Promise.all(names.map(definition))).toEqual(before);
});

test("with it nothing changes but our mark, and what runs goes on", async () => {
  const before = { processes: await processes(), live: await Promise.all(names.map(live)), kept: await Promise.all(names.map(definition)) };
  asHypervisor(units({ adopt: true }));
  await up();
  expect(await processes()).toBe(before.processes);
  for (const [at, name] of names.entries()) {
    for (const [was, is] of [
      [before.live[at]!, await live(name)],
      [before.kept[at]!, await definition(name)],
    ] as const) {
      const differing = [...without(was, is), ...without(is, was)].filter((line) => !OURS.test(line));
      expect([name, differing]).toEqual([name, []]);
    }
  }
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
});
