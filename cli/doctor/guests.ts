import { mebibytes } from "../../providers/patterns";
import { type HostVars } from "../../components/inventory/schema";
import { type Check, ok, warn } from "./check";
import { type Guests } from "./facts";

/** Checks of what virtual machines need: KVM, memory, and disk space for their volumes. */
export function judgeGuests(read: Guests, wanted: HostVars): Check[] {
  return [kvm(read), ...memory(read, wanted), ...wanted.pools.flatMap((pool) => room(pool, read, wanted))];
}

function kvm({ device, flag, group, mode }: Guests): Check {
  // QEMU runs as libvirt-qemu, which Debian puts into group kvm.
  const shared = (mode & 0o6) === 0o6 || (group === "kvm" && (mode & 0o60) === 0o60);
  if (device && shared) return ok("/dev/kvm");
  if (device) {
    return warn(
      `/dev/kvm is not QEMU's to use (group ${group}, mode ${mode.toString(8).padStart(4, "0")}): no guest starts`,
      "chgrp kvm /dev/kvm && chmod 0660 /dev/kvm; udev does so at boot, unless a file in /etc/udev/rules.d changes it.",
    );
  }
  const slow = "/dev/kvm is missing: guests are emulated, many times slower";
  if (flag === null)
    return warn(slow, "Turn on VT-x or AMD-V in the firmware; in a virtual machine, nested virtualisation on its hypervisor.");
  return warn(
    slow,
    `Run \`modprobe ${flag === "vmx" ? "kvm_intel" : "kvm_amd"}\`; when it reports "disabled by bios", turn it on in the firmware.`,
  );
}

function memory({ memory: has }: Guests, { domains }: HostVars): Check[] {
  const running = domains.filter((domain) => domain.running);
  const wants = running.reduce((sum, domain) => sum + mebibytes(domain.memory), 0);
  if (running.length === 0) return [];
  const text = `guests that run have ${wants} MiB together, the host ${has} MiB`;
  return wants < has ? [ok(text)] : [warn(text, "Give them less `memory`, let fewer of them run, or put more into the host.")];
}

function room({ name, path }: HostVars["pools"][number], { pools }: Guests, { volumes }: HostVars): Check[] {
  const mine = volumes.filter(({ pool }) => pool === name);
  const size = pools[path];
  if (mine.length === 0 || size === undefined) return [];
  const wants = mine.reduce((sum, volume) => sum + mebibytes(volume.size), 0);
  const text = `volumes of pool ${name} may become ${wants} MiB, the file system of ${path} has ${size} MiB`;
  return wants < size
    ? [ok(text)]
    : [warn(text, "Until they are full nothing happens; then all of them stop. Move the pool to a larger disk.")];
}
