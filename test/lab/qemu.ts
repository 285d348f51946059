// Starts and stops the two machines as QEMU processes of their own.
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Image } from "./image";
import { HostName, Machine, forwardedPorts, hostPort, sshPort, stateDir } from "./paths";
import { run, sleep } from "./run";

const qemu = "qemu-system-x86_64";

/**
 * Programs that use newer instructions are slower where those are emulated: a third, measured by starts of Python. AMD's virtualisation
 * is emulated, too, so that hv has KVM: a guest of its own is up in 20 s, where emulation within emulation takes 20 minutes.
 * Where there is AES, Linux 6.12 takes PCLMULQDQ for granted and crashes in its self-test without.
 */
const EMULATED_CPU = "Nehalem,vendor=AuthenticAMD,+aes,+pclmulqdq,+svm,+npt";

/** The tagged: one Ethernet cable between hv's second port and app's only one. */
const trunk = join(stateDir, "trunk");

export async function startMachine(machine: Machine, image: Image, accelerator: string, snapshot?: string): Promise<void> {
  rmSync(machine.qmp, { force: true });
  await run([
    qemu,
    ...hardware(machine, accelerator),
    ...bootArguments(machine, image),
    ...disks(machine),
    ...network[machine.name](),
    ...(snapshot ? ["-loadvm", snapshot] : []),
    ...["-D", machine.log, "-qmp", `unix:${machine.qmp},server=on,wait=off`, "-pidfile", machine.pid, "-daemonize"],
  ]);
}

function hardware(machine: Machine, accelerator: string): string[] {
  return [
    ...["-name", `homelab-lab-${machine.name}`, "-nodefaults", "-display", "none"],
    ...["-machine", "q35", "-accel", accelerator, "-cpu", accelerator === "kvm" ? "max" : EMULATED_CPU],
    ...["-smp", String(machine.cpus), "-m", String(machine.memoryMiB)],
    ...["-device", "virtio-rng-pci"],
    ...["-chardev", `file,id=console,path=${machine.console}`, "-serial", "chardev:console"],
  ];
}

function bootArguments(machine: Machine, image: Image): string[] {
  const machineId = createHash("md5").update(`homelab-lab-${machine.name}`).digest("hex");
  const options = [
    "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet mitigations=off",
    "panic=-1",
    // A restored machine sees its clock jump, and need not wonder.
    "tsc=reliable rcupdate.rcu_cpu_stall_suppress=1",
    `systemd.machine_id=${machineId}`,
  ];
  return ["-kernel", image.kernel, "-initrd", image.initrd, "-append", options.join(" ")];
}

function disks(machine: Machine): string[] {
  const drive = (name: string, options: object) => [
    ...["-blockdev", JSON.stringify({ "node-name": name, ...options })],
    ...["-device", `virtio-blk-pci,drive=${name}`],
  ];
  // The disks are disposable, so nothing is flushed to the real one.
  const cache = { "no-flush": true };
  const file = (filename: string) => ({ driver: "file", filename, cache });
  return [
    ...drive("disk", { driver: "qcow2", cache, file: file(machine.disk), discard: "unmap" }),
    ...drive("seed", { driver: "raw", "read-only": true, file: { driver: "file", filename: machine.seed } }),
  ];
}

const card = (id: string, mac: string) => ["-device", `virtio-net-pci,netdev=${id},mac=${mac}`];
const socket = { type: "unix", path: trunk };

const network: Record<HostName, () => string[]> = {
  hv: () => {
    const forwards = [[sshPort, 22], ...forwardedPorts.map((port) => [hostPort(port), port])];
    const hostfwd = forwards.map(([outside, inside]) => ({ str: `tcp:127.0.0.1:${outside}-:${inside}` }));
    return [
      ...["-netdev", JSON.stringify({ type: "user", id: "management", restrict: true, ipv6: false, hostfwd })],
      ...card("management", "52:54:00:10:00:01"),
      ...["-netdev", JSON.stringify({ type: "stream", id: "trunk", server: true, addr: socket })],
      ...card("trunk", "52:54:00:10:00:02"),
    ];
  },
  app: () => [
    // hv may start anew under it.
    ...["-netdev", JSON.stringify({ type: "stream", id: "trunk", server: false, "reconnect-ms": 500, addr: socket })],
    ...card("trunk", "52:54:00:10:00:20"),
  ],
};

/** A disk of its own over the shared image, which is only read. */
export async function createDisk(machine: Machine, image: Image): Promise<void> {
  await run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", image.disk, "-F", "raw", machine.disk]);
}

/** The pid of this machine's QEMU, if the pid file's process really is it. */
export function runningPid(machine: Machine): number | undefined {
  const pid = Number(textIfThere(machine.pid));
  return pid > 0 && textIfThere(`/proc/${pid}/cmdline`).includes(`\0${machine.pid}\0`) ? pid : undefined;
}

/** A file's text; none where it is not there, or no longer: QEMU removes its pid file when it ends. */
function textIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

export async function stopMachine(machine: Machine): Promise<void> {
  const pid = runningPid(machine);
  if (pid !== undefined) process.kill(pid, "SIGTERM");
  for (let tries = 0; runningPid(machine) !== undefined; tries += 1) {
    if (tries === 50) process.kill(pid ?? 0, "SIGKILL");
    await sleep(100);
  }
  rmSync(machine.pid, { force: true });
}

/** Fails with one line when a port that hv needs is taken. */
export async function checkPorts(): Promise<void> {
  for (const port of [sshPort, ...forwardedPorts.map(hostPort)]) {
    if (await isFree(port)) continue;
    throw new Error(`port ${port} on 127.0.0.1 is taken; stop what listens there (ss -ltnp 'sport = :${port}'), then run this again`);
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.on("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/** KVM only where it brings a kernel up, as far as to its panic for want of a disk: a device file, or a QEMU that runs, proves nothing. */
export async function chooseAccelerator(image: Image): Promise<string> {
  const machine = ["-machine", "q35", "-accel", "kvm", "-cpu", "max", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot"];
  const { code } = await run([qemu, ...machine, "-kernel", image.kernel, "-append", "panic=-1"], { timeoutSeconds: 10, check: false });
  return code === 0 ? "kvm" : "tcg,thread=multi";
}
