// Where the lab keeps its things, and which ports it takes.
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export const projectDir = resolve(__dirname, "../..");

/** The lab holds no secret of anyone, so the password of its vault is in the repository. */
export const vaultPassword = join(projectDir, "test/lab/vault-password");

const ownDir = process.env.HOMELAB_LAB_DIR;

/** The instance's private folder: keys, disks, sockets, logs. */
export const stateDir = ownDir ? resolve(ownDir) : join(homedir(), ".local/state/homelab-lab");

/** States that tests begin with, each beside the snapshots of its name; they go with the disks. */
export const keptDir = join(stateDir, "kept");

/** Built images, shared by all instances. */
export const cacheDir = join(homedir(), ".cache/homelab-lab");

/** The committed SSH config reaches the default instance; any other has its own. */
export const sshConfig = ownDir ? join(stateDir, "ssh_config") : join(projectDir, "ansible/inventory/lab/ssh_config");

/** Ports of the hypervisor that are reachable on 127.0.0.1 of this machine. */
export const forwardedPorts = [8080, 8081, 8443] as const;

export const sshPort = hostPort(2201);

/** The port on 127.0.0.1 that leads to `port` of the hypervisor. */
export function hostPort(port: number): number {
  const offset = Number(process.env.HOMELAB_LAB_PORT_OFFSET ?? 0);
  if (!Number.isInteger(offset) || offset < 0) {
    throw new Error("HOMELAB_LAB_PORT_OFFSET must be a whole number, such as 100");
  }
  return port + offset;
}

export type HostName = "hv" | "app";

export interface Machine {
  name: HostName;
  memoryMiB: number;
  cpus: number;
  /** Files of this machine, all below the state folder. */
  disk: string;
  seed: string;
  console: string;
  /** What QEMU itself says, such as why it gave up. */
  log: string;
  pid: string;
  qmp: string;
}

export const machines: Record<HostName, Machine> = {
  hv: machine("hv", 4096, 1),
  app: machine("app", 1024, 1),
};

export const hostNames: HostName[] = ["hv", "app"];

function machine(name: HostName, memoryMiB: number, cpus: number): Machine {
  const file = (suffix: string) => join(stateDir, `${name}.${suffix}`);
  return {
    name,
    memoryMiB,
    cpus,
    disk: file("qcow2"),
    seed: file("seed"),
    console: file("console.log"),
    log: file("qemu.log"),
    pid: file("pid"),
    qmp: file("qmp"),
  };
}
