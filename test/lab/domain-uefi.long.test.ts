// A guest with UEFI keeps what its firmware remembers: through changes, a removal and a return, another name, and in a copy when replaced.
import { POOLS, idle, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;
let remembered: string;

// Nobody waits for it, since it has no address; its firmware does nothing for minutes where it is emulated twice.
const guest = (more: object = {}) => ({
  ...idle("uefi", { firmware: "uefi", disks: [{ volume: "vms/uefi" }], restart: "allowed", force_off: true, shutdown_seconds: 5 }),
  ...more,
});

const declare = (...domains: object[]) => asHypervisor({ pools: POOLS, volumes: [volume("uefi")], domains });

const NVRAM = "/var/lib/libvirt/qemu/nvram/*_VARS.fd";
const nvram = async () => (await text("hv", `cat ${NVRAM} | sha256sum`)).slice(0, 64);

beforeAll(async () => {
  lab = await hypervisor();
  // QEMU's emulation of AMD's virtualisation ends with this firmware, so hv emulates the guest.
  await text("hv", 'for m in kvm_amd kvm_intel; do ! grep -q "^$m " /proc/modules || modprobe -r $m; done');
  declare(guest({ running: true }));
  await up();
  declare(guest());
  await up();
  // As a variable that the firmware has written.
  await text("hv", `printf remembered | dd of=$(echo ${NVRAM}) bs=1 seek=500000 conv=notrunc status=none`);
  remembered = await nvram();
});

afterAll(() => lab.reset());

test("it is emulated where there is no KVM", async () => {
  expect(await virsh("dumpxml", "uefi")).toMatch(/^<domain type='qemu'>[^]*<loader readonly='yes'/);
});

test("it stays through changes, and when the domain goes and comes again", async () => {
  const changed = guest({ description: "with UEFI", vcpus: 2 });
  declare(changed);
  await up();
  expect(await nvram()).toBe(remembered);
  declare();
  await up();
  expect(await virsh("list", "--all", "--name")).not.toContain("uefi");
  expect(await nvram()).toBe(remembered);
  declare(changed);
  await up();
  expect(await nvram()).toBe(remembered);
  expect(await text("hv", `ls ${NVRAM}`)).toBe(`/var/lib/libvirt/qemu/nvram/${(await virsh("domuuid", "uefi")).trim()}_VARS.fd\n`);
});

test("with another name it is the same", async () => {
  declare(guest({ name: "renamed", renamed_from: "uefi" }));
  await up();
  expect(await nvram()).toBe(remembered);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});

test("another machine is told as a replacement, and a copy of it is kept", async () => {
  declare(guest({ name: "renamed", firmware: "bios" }));
  const { stdout } = await playbook("--limit", "hv", "--diff");
  expect(stdout).toContain("domain renamed (replace): ");
  expect((await text("hv", "sha256sum /var/lib/homelab/lab/replaced/renamed-*.nvram | tail -1")).slice(0, 64)).toBe(remembered);
});
