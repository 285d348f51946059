// What others change of guests with virsh and qemu-img: found, named and made good; and what libvirt itself adds is nothing.
import { KERNEL, POOLS, idle, plug, tiny, virsh, volume } from "./guests";
import { type Drift, expectNamed, expectRepaired, makeDrift } from "./drifts";
import { type Lab } from "./lab";
import { foreign, makeForeign, text } from "./look";
import { asHypervisor, changed, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;

const ADDRESS = "10.10.10.35";
const IOT = { bridge: "br0", vlan: 20, mac: "52:54:00:00:00:20" };
const CD = "/srv/guest/initrd.img";
const shape = { memory: "160 MiB", memory_max: "192 MiB", vcpus_max: 2, description: "as declared" };
const disksOf = (name: string) => [{ volume: `vms/${name}` }, { volume: `vms/${name}-more` }, { cdrom: "" }];

const units = {
  pools: [...POOLS, { name: "spare", path: "/srv/spare" }, { name: "third", path: "/srv/third" }],
  images: [{ name: "source", source: "/srv/source.raw", sha256: "" }],
  volumes: [...["runs", "edited"].flatMap((name) => [volume(name), volume(`${name}-more`)]), volume("lost")],
  domains: [
    // It has all that libvirt adds something to, also a processor where hv has KVM.
    tiny("runs", {
      ...shape,
      agent: true,
      graphics: "vnc",
      cloud_init: {},
      disks: disksOf("runs"),
      interfaces: [plug(ADDRESS), IOT],
    }),
    tiny("bystander", { interfaces: [plug("10.10.10.38")] }),
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
    idle("unmarked"),
  ],
};

/** A guest of somebody else's, which does nothing. */
const theirs = (type: string): string => `<domain type='${type}'><name>theirs</name><memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features></domain>`;

/** Guests that go on all the time: what is changed of `runs` and `paused` is repaired while they do. */
const GOING_ON = ["bystander", "theirs", "runs", "paused"];

/** What is not ours, what nothing is done to, and since when the guests that go on run. */
const untouched = async (): Promise<string[]> => [
  await foreign(),
  await virsh("dumpxml", "--security-info", "theirs"),
  await virsh("dumpxml", "--security-info", "bystander"),
  await text("hv", `head ${GOING_ON.map((name) => `/run/libvirt/qemu/${name}.pid`).join(" ")}`),
  await text("hv", "cd /srv/vms; stat -c '%n %i' runs* edited*; sha256sum edited*"),
];

const LEASE = "$(grep -rl 10.10.10.36 /etc/systemd/network)";
/** Another text in a persistent definition. */
const sed = (domain: string, expression: string) =>
  `virsh dumpxml --inactive --security-info ${domain} >/tmp/x && sed -Ei ${JSON.stringify(expression)} /tmp/x && virsh define /tmp/x`;

const refresh = async (...args: string[]): Promise<string> => (await good(stack(["refresh", "--yes", "--skip-preview", ...args]))).output;
const expectSettled = () => good(stack(["preview", "--refresh", "--expect-no-changes"]));

/** What is done to which unit, and what is said of it then. */
const drifts: Drift[] = [
  ["hv/domain/runs", "virsh setmem runs 131072 --live", /currentMemory/],
  ["hv/domain/runs", "virsh detach-disk runs vdb --live", /disk vdb/],
  ["hv/domain/runs", "virsh detach-interface runs bridge --mac 52:54:00:00:00:20 --live", /interface 52:54:00:00:00:20/],
  ["hv/domain/runs", `virsh change-media runs sda ${CD} --insert --live`, /disk sda/],
  ["hv/domain/runs", "virsh desc runs --live by hand", /description/],
  ["hv/domain/runs", "virsh autostart runs --disable", /autostart is off, wanted on/],
  ["hv/domain/paused", "virsh suspend paused", /it is paused, wanted running/],
  ["hv/domain/off", "virsh destroy off", /it is shut off, wanted running/],
  ["hv/domain/started", "virsh start started", /it is running, wanted shut off/],
  ["hv/domain/undefined", "virsh undefine undefined", /\(delete\)/],
  ["hv/domain/edited", "virsh setmem edited 131072 --config", /currentMemory/],
  ["hv/domain/edited", "virsh setmaxmem edited 393216 --config", /memory.*393216|393216/],
  ["hv/domain/edited", "virsh setvcpus edited 4 --maximum --config", /vcpu/],
  ["hv/domain/edited", "virsh desc edited --config by hand", /by hand/],
  ["hv/domain/edited", "virsh autostart edited", /autostart is on, wanted off/],
  ["hv/domain/edited", "virsh attach-disk edited /srv/source.raw vdd --config", /disk vdd/],
  ["hv/domain/edited", "virsh detach-disk edited vdb --config", /disk vdb/],
  ["hv/domain/edited", "virsh attach-interface edited bridge br0 --mac 52:54:00:00:00:99 --config", /interface 52:54:00:00:00:99/],
  ["hv/domain/edited", "virsh detach-interface edited bridge --mac 52:54:00:00:00:21 --config", /interface 52:54:00:00:00:21/],
  ["hv/domain/edited", `virsh change-media edited sda ${CD} --insert --config`, /disk sda/],
  ["hv/domain/edited", `sed -i s/10.10.10.36/10.10.10.37/ ${LEASE}`, /10\.10\.10\.37/],
  ["hv/domain/rewritten", sed("rewritten", "s/quiet/loud/"), /loud/],
  ["hv/domain/rewritten", sed("rewritten", `s,${KERNEL.kernel},/boot/vmlinuz,`), /\/boot\/vmlinuz/],
  ["hv/domain/rewritten", sed("rewritten", "s/>qemu64</>qemu32</"), /qemu32/],
  ["hv/domain/rewritten", sed("rewritten", "/52:54:00:00:00:22/,/interface/ s/tag id='20'/tag id='30'/"), /id="30"/],
  ["hv/domain/rewritten", sed("rewritten", "/52:54:00:00:00:23/,/interface/ s/virtio/e1000e/"), /e1000e/],
  ["hv/domain/rewritten", sed("rewritten", "/<port isolated/d"), /isolated/],
  ["hv/domain/rewritten", sed("rewritten", `s,${CD},${KERNEL.kernel},`), /disk sda/],
  ["hv/domain/rewritten", sed("rewritten", "/<graphics/,/<.graphics/ s/127.0.0.1/0.0.0.0/"), /0\.0\.0\.0/],
  ["hv/domain/rewritten", sed("rewritten", "/<channel type='unix'/,/<.channel/d"), /guest_agent/],
  ["hv/domain/rewritten", sed("rewritten", "/<watchdog model='i6300esb'/,/<.watchdog/d"), /watchdog/],
  ["hv/domain/rewritten", sed("rewritten", "s/<on_crash>restart/<on_crash>destroy/"), /on_crash/],
  ["hv/domain/rewritten", "rm /var/lib/libvirt/boot/homelab-rewritten.iso", /homelab-rewritten\.iso/],
  ["hv/domain/unmarked", "virsh metadata unmarked --uri urn:homelab:domain --remove --config", /mark/],
  ["hv/volume/vms/lost", "rm /srv/vms/lost", /\(delete\)/],
  [
    "hv/pool/spare",
    "virsh pool-destroy spare && virsh pool-autostart spare --disable",
    /it is stopped, wanted started[^]*it is not started at boot/,
  ],
  ["hv/pool/third", "virsh pool-destroy third && virsh pool-undefine third", /\(delete\)/],
];

beforeAll(async () => {
  lab = await hypervisor();
  const source = units.images[0]!;
  source.sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/source.raw; sha256sum /srv/source.raw")).slice(0, 64);
  const type = (await virsh("capabilities")).includes("<domain type='kvm'") ? "kvm" : "qemu";
  if (type === "kvm") Object.assign(units.domains[0]!, { cpu: "host-model" });
  asHypervisor(units);
  await up();
  await makeForeign();
  await lab.ssh("hv", "cat >/tmp/theirs.xml", { input: theirs(type) });
  await text("hv", "virsh define /tmp/theirs.xml && virsh start theirs");
});

afterAll(() => lab.reset());

test("20 looks at guests that run, with traffic to one of them, tell of nothing", async () => {
  const before = await untouched();
  await text("hv", `systemd-run -q --unit=traffic ping -q -i 0.2 ${ADDRESS}`);
  for (let look = 0; look < 20; look += 1) await refresh("--expect-no-changes");
  const said = await text("hv", "systemctl kill -s INT traffic; sleep 3; journalctl -q -o cat -u traffic");
  expect(Number(/(\d+) received/.exec(said)?.[1])).toBeGreaterThan(100);
  expect(await untouched()).toEqual(before);
});

test("what others changed is found, named and made good, and nothing else is touched", async () => {
  const before = await untouched();
  // One at a time: a later one builds on an earlier one's definition.
  await makeDrift(drifts);
  expectNamed(await refresh("--diff"), drifts);
  expectRepaired((await up("--diff")).output, drifts);
  await expectSettled();
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
  expect(await virsh("domstate", "paused")).toBe("running\n");
  expect(await virsh("metadata", "unmarked", "urn:homelab:domain")).toContain(">lab<");
  expect(await untouched()).toEqual(before);
});

test("a volume that somebody grew is told, and not made smaller", async () => {
  const drift: Drift[] = [["hv/volume/vms/edited", "qemu-img resize -q -f qcow2 /srv/vms/edited 64M", /its size is 64 MiB, wanted 16 MiB/]];
  await makeDrift(drift);
  expectNamed(await refresh("--diff"), drift);
  const { code, output: said } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(said).toMatch(/a volume is never made smaller: declare its size/);
  asHypervisor({ ...units, volumes: units.volumes.map((one) => (one.name === "edited" ? { ...one, size: "64 MiB" } : one)) });
  expectRepaired((await up("--diff")).output, drift);
  await expectSettled();
});

test("an image that somebody altered is told, and fetched anew", async () => {
  const file = `/var/lib/homelab-images/${units.images[0]!.sha256}`;
  const drift: Drift[] = [["hv/image/source", `chmod u+w ${file}; echo more >>${file}`, /was altered/]];
  const hash = async () => (await text("hv", `sha256sum <${file}; stat -c %a ${file}`)).trim();
  await makeDrift(drift);
  const output = await refresh("--diff");
  expectNamed(output, drift);
  expect(output).toContain(`+ [0]: "${file} was altered: its SHA-256 is ${(await hash()).slice(0, 64)}"\n`);
  expect(output).toContain(`+ [1]: "${file} has mode 0644, wanted 0444"\n`);
  expectRepaired((await up("--diff")).output, drift);
  expect(await hash()).toBe(`${units.images[0]!.sha256}  -\n444`);
  await expectSettled();
});
