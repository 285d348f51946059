// What others change of guests with virsh and qemu-img: found, named and made good; and what libvirt itself adds is nothing.
import { KERNEL, POOLS, idle, plug, tiny, virsh, volume } from "./guests";
import { type Drift, expectNamed, makeDrift } from "./drifts";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, changed, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;

const IOT = { bridge: "br0", vlan: 20, mac: "52:54:00:00:00:20" };
const CD = "/srv/guest/initrd.img";
const shape = { memory: "160 MiB", memory_max: "192 MiB", vcpus_max: 2, description: "as declared" };
const disksOf = (name: string) => [{ volume: `vms/${name}` }, { volume: `vms/${name}-more` }, { cdrom: "" }];

const units = {
  pools: [...POOLS, { name: "spare", path: "/srv/spare" }, { name: "third", path: "/srv/third" }],
  images: [{ name: "source", source: "/srv/source.raw", sha256: "" }],
  volumes: [...["runs", "edited"].flatMap((name) => [volume(name), volume(`${name}-more`)]), volume("lost")],
  domains: [
    tiny("runs", { ...shape, disks: disksOf("runs"), interfaces: [plug("10.10.10.35"), IOT] }),
    tiny("paused"),
    tiny("off"),
    idle("edited", { ...shape, disks: disksOf("edited"), interfaces: [plug("10.10.10.36"), { ...IOT, mac: "52:54:00:00:00:21" }] }),
    idle("rewritten", {
      cpu: "qemu64",
      agent: true,
      graphics: "vnc",
      cloud_init: {},
      disks: [{ cdrom: CD }],
      interfaces: [
        { ...IOT, mac: "52:54:00:00:00:22", isolated: true },
        { ...IOT, mac: "52:54:00:00:00:23" },
      ],
      xml: "<domain><on_crash>restart</on_crash><devices><watchdog model='i6300esb' action='reset'/></devices></domain>",
    }),
    idle("undefined"),
    idle("started"),
  ],
};

const LEASE = "$(grep -rl 10.10.10.36 /etc/systemd/network)";
/** Another text in a persistent definition. */
const sed = (domain: string, expression: string) =>
  `virsh dumpxml --inactive --security-info ${domain} >/tmp/x && sed -Ei ${JSON.stringify(expression)} /tmp/x && virsh define /tmp/x`;

/** What is done to which unit, and what is said of it then. */
const drifts: [unit: string, command: string, said: RegExp][] = [
  ["domain/runs", "virsh setmem runs 131072 --live", /currentMemory/],
  ["domain/runs", "virsh detach-disk runs vdb --live", /disk vdb/],
  ["domain/runs", "virsh detach-interface runs bridge --mac 52:54:00:00:00:20 --live", /interface 52:54:00:00:00:20/],
  ["domain/runs", `virsh change-media runs sda ${CD} --insert --live`, /disk sda/],
  ["domain/runs", "virsh desc runs --live by hand", /description/],
  ["domain/runs", "virsh autostart runs --disable", /autostart is off, wanted on/],
  ["domain/paused", "virsh suspend paused", /it is paused, wanted running/],
  ["domain/off", "virsh destroy off", /it is shut off, wanted running/],
  ["domain/started", "virsh start started", /it is running, wanted shut off/],
  ["domain/undefined", "virsh undefine undefined", /\(delete\)/],
  ["domain/edited", "virsh setmem edited 131072 --config", /currentMemory/],
  ["domain/edited", "virsh setmaxmem edited 393216 --config", /memory.*393216|393216/],
  ["domain/edited", "virsh setvcpus edited 4 --maximum --config", /vcpu/],
  ["domain/edited", "virsh desc edited --config by hand", /by hand/],
  ["domain/edited", "virsh autostart edited", /autostart is on, wanted off/],
  ["domain/edited", "virsh attach-disk edited /srv/source.raw vdd --config", /disk vdd/],
  ["domain/edited", "virsh detach-disk edited vdb --config", /disk vdb/],
  ["domain/edited", "virsh attach-interface edited bridge br0 --mac 52:54:00:00:00:99 --config", /interface 52:54:00:00:00:99/],
  ["domain/edited", "virsh detach-interface edited bridge --mac 52:54:00:00:00:21 --config", /interface 52:54:00:00:00:21/],
  ["domain/edited", `virsh change-media edited sda ${CD} --insert --config`, /disk sda/],
  ["domain/edited", `sed -i s/10.10.10.36/10.10.10.37/ ${LEASE}`, /10\.10\.10\.37/],
  ["domain/rewritten", sed("rewritten", "s/quiet/loud/"), /loud/],
  ["domain/rewritten", sed("rewritten", `s,${KERNEL.kernel},/boot/vmlinuz,`), /\/boot\/vmlinuz/],
  ["domain/rewritten", sed("rewritten", "s/>qemu64</>qemu32</"), /qemu32/],
  ["domain/rewritten", sed("rewritten", "/52:54:00:00:00:22/,/interface/ s/tag id='20'/tag id='30'/"), /id="30"/],
  ["domain/rewritten", sed("rewritten", "/52:54:00:00:00:23/,/interface/ s/virtio/e1000e/"), /e1000e/],
  ["domain/rewritten", sed("rewritten", "/<port isolated/d"), /isolated/],
  ["domain/rewritten", sed("rewritten", `s,${CD},${KERNEL.kernel},`), /disk sda/],
  ["domain/rewritten", sed("rewritten", "/<graphics/,/<.graphics/ s/127.0.0.1/0.0.0.0/"), /0\.0\.0\.0/],
  ["domain/rewritten", sed("rewritten", "/<channel type='unix'/,/<.channel/d"), /guest_agent/],
  ["domain/rewritten", sed("rewritten", "/<watchdog model='i6300esb'/,/<.watchdog/d"), /watchdog/],
  ["domain/rewritten", sed("rewritten", "s/<on_crash>restart/<on_crash>destroy/"), /on_crash/],
  ["domain/rewritten", "rm /var/lib/libvirt/boot/homelab-rewritten.iso", /homelab-rewritten\.iso/],
  ["volume/vms/lost", "rm /srv/vms/lost", /\(delete\)/],
  [
    "pool/spare",
    "virsh pool-destroy spare && virsh pool-autostart spare --disable",
    /it is stopped, wanted started[^]*it is not started at boot/,
  ],
  ["pool/third", "virsh pool-destroy third && virsh pool-undefine third", /\(delete\)/],
];

beforeAll(async () => {
  lab = await hypervisor();
  units.images[0]!.sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/source.raw; sha256sum /srv/source.raw")).slice(0, 64);
  asHypervisor(units);
  await up();
});

afterAll(() => lab.reset());

test("20 looks at guests that run tell of nothing", async () => {
  for (let look = 0; look < 20; look += 1) await good(stack(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]));
});

test("what others changed is found, and named", async () => {
  // One at a time: a later one builds on an earlier one's definition.
  const all = drifts.map(([unit, ...rest]): Drift => [`hv/${unit}`, ...rest]);
  await makeDrift(all);
  expectNamed((await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]))).output, all);
});

test("and made good", async () => {
  await up();
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
  expect(await virsh("domstate", "paused")).toBe("running\n");
});

test("a volume that somebody grew is told, and not made smaller", async () => {
  await text("hv", "qemu-img resize -q -f qcow2 /srv/vms/edited 64M");
  const { output } = await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]));
  expect(output).toMatch(/its size is 64 MiB, wanted 16 MiB/);
  const { code, output: said } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(said).toMatch(/a volume is never made smaller: declare its size/);
  asHypervisor({ ...units, volumes: units.volumes.map((one) => (one.name === "edited" ? { ...one, size: "64 MiB" } : one)) });
  await up();
});

test("an image that somebody altered is told", async () => {
  const image = await text("hv", "f=$(find /var/lib/homelab-images -type f | head -1); chmod u+w $f; echo more >>$f; echo $f");
  const { output } = await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]));
  expect(image).toContain("/var/lib/homelab-images/");
  expect(output).toMatch(/image[^]*(altered|sha256|hash|other)/);
});
