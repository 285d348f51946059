// Keys, known hosts and SSH config of an instance, and each machine's seed
// disk, which hands its name, keys and network to the machine at first boot.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { HostName, Machine, hostNames, keptDir, machines, projectDir, sshPort, stateDir } from "./paths";
import { run } from "./run";

const identity = join(stateDir, "id_ed25519");
const knownHosts = join(stateDir, "known_hosts");
const hostKey = (host: HostName) => join(stateDir, `${host}.host_key`);

/** Makes what is missing; known before any machine boots, so that nothing is trusted on first use. */
export async function ensureKeys(): Promise<void> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  for (const file of [identity, ...hostNames.map(hostKey)]) {
    if (!existsSync(file)) await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "homelab-lab", "-f", file]);
  }
  const lines = hostNames.map((host) => `${host} ${publicKey(hostKey(host))}\n`);
  writeFileSync(knownHosts, lines.join(""), { mode: 0o600 });
  writeFileSync(join(stateDir, "ssh_config"), instanceSshConfig(), { mode: 0o600 });
}

const publicKey = (file: string) => readFileSync(`${file}.pub`, "utf8").split(" ").slice(0, 2).join(" ");

/** The committed SSH config with this instance's folder and port in it. */
function instanceSshConfig(): string {
  return readFileSync(join(projectDir, "ansible/inventory/lab/ssh_config"), "utf8")
    .replaceAll("~/.local/state/homelab-lab", stateDir.replace(homedir(), "~"))
    .replace("Port 2201", `Port ${sshPort}`);
}

export async function writeSeed(machine: Machine): Promise<void> {
  const dir = `${machine.seed}.d`;
  rmSync(dir, { recursive: true, force: true });
  for (const file of [...identityFiles(machine.name), ...networkFiles[machine.name]]) {
    const path = join(dir, "root", file.path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, file.text, { mode: file.mode ?? 0o644 });
  }
  rmSync(machine.seed, { force: true });
  await run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", dir, machine.seed, "1M"]);
  rmSync(dir, { recursive: true });
}

interface SeedFile {
  path: string;
  text: string;
  mode?: number;
}

function identityFiles(host: HostName): SeedFile[] {
  const key = hostKey(host);
  return [
    { path: "etc/hostname", text: `${host}\n` },
    { path: "etc/hosts", text: `127.0.0.1 localhost\n127.0.1.1 ${host}\n::1 localhost\n` },
    { path: "etc/ssh/ssh_host_ed25519_key", text: readFileSync(key, "utf8"), mode: 0o600 },
    { path: "etc/ssh/ssh_host_ed25519_key.pub", text: `${publicKey(key)} ${host}\n` },
    { path: "home/operator/.ssh/authorized_keys", text: `${publicKey(identity)} homelab-lab\n`, mode: 0o600 },
  ];
}

const networkd = (name: string, ...lines: string[]): SeedFile => ({
  path: `etc/systemd/network/${name}`,
  text: lines.join("\n") + "\n",
});

/**
 * hv: its management port only; the trunk port (eth1) is left to the project.
 * app: VLAN 10, tagged, on its only port; no address until hv hands one out.
 */
const networkFiles: Record<HostName, SeedFile[]> = {
  hv: [
    networkd(
      "10-eth0.network",
      ...["[Match]", "Name=eth0", "[Network]", "DHCP=ipv4", "IPv6AcceptRA=no"],
      // QEMU's closed network names no gateway, but a rootless container answers other networks only by a default route.
      "Gateway=10.0.2.2",
    ),
  ],
  app: [
    networkd("10-eth0.network", "[Match]", "Name=eth0", "[Network]", "VLAN=eth0.10", "LinkLocalAddressing=no", "IPv6AcceptRA=no"),
    networkd("10-eth0.10.netdev", "[NetDev]", "Name=eth0.10", "Kind=vlan", "[VLAN]", "Id=10"),
    networkd(
      "10-eth0.10.network",
      ...["[Match]", "Name=eth0.10", "[Network]", "DHCP=ipv4", "IPv6AcceptRA=no"],
      // By its MAC, as a static lease on hv names it.
      ...["[DHCPv4]", "ClientIdentifier=mac"],
    ),
  ],
};

export function destroyDisks(): void {
  for (const name of hostNames) rmSync(machines[name].disk, { force: true });
  rmSync(keptDir, { recursive: true, force: true });
}
