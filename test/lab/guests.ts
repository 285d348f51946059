// Guests of the lab's hypervisor: a tiny one that it can emulate, and what tests ask of it and of libvirt.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { page, text } from "./look";
import { projectRoot } from "./pulumi";

interface Kernel {
  kernel: string;
  initrd: string;
  cmdline: string;
}

const lab = parse(readFileSync(join(projectRoot, "ansible/inventory/lab/host_vars/hv.yml"), "utf8")) as { domains: { kernel: Kernel }[] };

/** The tiny guest's kernel, and busybox (image/guest.sh). */
export const KERNEL = lab.domains[0]!.kernel;

export const POOLS = [{ name: "vms", path: "/srv/vms" }];

/** A plug in VLAN 10, whose DHCP server hands out this address. */
export const plug = (address: string) => ({ bridge: "br0", vlan: 10, address });

/** A domain that runs the tiny guest; starting one takes an emulated hypervisor 20 seconds. */
export const tiny = (name: string, more: object = {}) => ({ name, memory: "128 MiB", kernel: KERNEL, ...more });

/** One that is shut off. */
export const idle = (name: string, more: object = {}) => tiny(name, { running: false, autostart: false, ...more });

export const volume = (name: string, more: object = {}) => ({ pool: "vms", name, size: "16 MiB", ...more });

/** What the guest itself says it has: `uptime 12`, `memory 100000`, `disk vda 32768` … */
export async function machine(address: string): Promise<Record<string, number>> {
  const said = await page("hv", `http://${address}/cgi-bin/machine`);
  const lines = said
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  return Object.fromEntries(lines.map((words) => [words.slice(0, -1).join(" "), Number(words.at(-1))]));
}

/** Has a guest write this on its disk, as a guest does. */
export const write = (address: string, what: string): Promise<string> => page("hv", `http://${address}/cgi-bin/write?${what}`);

/** Writes something of its own on each of these disks, whose guests are shut off. */
export async function fill(files: string[], format = "qcow2"): Promise<void> {
  const own = (file: string) =>
    `yes ${file} | head -c 4096 >/tmp/own && qemu-io -f ${format} -c 'write -s /tmp/own 1M 4096' /srv/vms/${file}`;
  await text("hv", files.map(own).join(" && "));
}

/** virsh(1) on hv. */
export const virsh = (...args: string[]): Promise<string> => text("hv", `virsh -q ${args.join(" ")}`);

/** A domain's persistent definition, line by line. */
export const definition = async (name: string): Promise<string[]> => (await virsh("dumpxml", "--inactive", name)).trim().split("\n");

/** The lines that are in the first and not in the second, where equal lines count as often as they are there. */
export function without(lines: string[], others: string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** The SHA-256 of the first 4 MiB that guests read of these disks, also while they run. */
export async function contents(files: string[], format = "qcow2"): Promise<string[]> {
  const read = `qemu-img dd -U -f ${format} -O raw bs=1M count=4 if=/srv/vms/$file of=$raw && sha256sum <$raw`;
  const hashes = await text("hv", `raw=$(mktemp); for file in ${files.join(" ")}; do ${read} || echo none; done; rm $raw`);
  return hashes
    .trim()
    .split("\n")
    .map((line) => line.slice(0, 64));
}
