import { join, resolve } from "node:path";
import { CommandFailed } from "../../providers/errors";
import { hostConfig } from "../../providers/ssh/config";
import { runAsRoot } from "../../providers/ssh/connection";
import { readerKey } from "../../providers/ssh/reader";
import { observe } from "../../providers/ssh/observe";
import { type Inventory, type InventoryHost } from "../../components/inventory/load";
import { type Check, fail, ok } from "./check";
import { type Facts } from "./facts";
import { judge } from "./judge";

/** Checks of what a host needs to be configured. Nothing is changed on it. */
export async function checkHost(folder: string, { owner }: Inventory, host: InventoryHost): Promise<Check[]> {
  const file = join(resolve(folder), "ssh_config");
  const checks: Check[] = [];
  try {
    const { user, hostname, port } = await hostConfig(file, host.name);
    if (readerKey() !== undefined) return [...checks, ...(await checkAsReader(folder, owner, host, `${user}@${hostname}:${port}`))];
    // Throws CommandFailed only once the host's key was right and the login worked.
    const login = await runAsRoot(file, host.name, ["true"], "").catch((error: unknown) => {
      if (error instanceof CommandFailed) return error;
      throw error;
    });
    checks.push(ok(`logged in as ${user}@${hostname}:${port}, host key known`));
    if (login instanceof CommandFailed) return [...checks, noRoot(login, user)];
    checks.push(ok("sudo without a password"));
    const begun = Date.now() / 1000;
    const facts = await factsOf(folder, owner, host);
    return [...checks, ...judge(facts, host, { begun, ended: Date.now() / 1000 })];
  } catch (error) {
    if (error instanceof CommandFailed && /python3/.test(error.stderr)) {
      return [...checks, fail(`Python 3 does not run there: ${error.stderr.split("\n").at(-1)}`, "apt install python3")];
    }
    return [...checks, fail((error as Error).message, `Compare with: ssh -F ${join(folder, "ssh_config")} ${host.name}`)];
  }
}

/** The same for a login that can only look. */
async function checkAsReader(folder: string, owner: string, host: InventoryHost, where: string): Promise<Check[]> {
  const begun = Date.now() / 1000;
  const facts = await factsOf(folder, owner, host);
  return [
    ok(`logged in as ${where}, host key known; this login can only look`),
    ...judge(facts, host, { begun, ended: Date.now() / 1000 }),
  ];
}

async function factsOf(folder: string, owner: string, host: InventoryHost): Promise<Facts> {
  const packages = host.homelab_host ?? { podman: false, hypervisor: false, packages: [] };
  const pools = host.pools.map(({ path }) => path);
  const homes = host.service_users.map(({ name }) => `/home/${name}`);
  const { facts } = await observe({ kind: "doctor", host: host.name, inventory: folder, owner, unit: { packages, homes, pools } });
  return facts as unknown as Facts;
}

/** Why sudo did not let us in, sudo(8). */
function noRoot({ code, stderr }: CommandFailed, user: string): Check {
  if (code === 127)
    return fail("sudo is not installed", `As root on the host: apt install sudo; then allow it to ${user} as below.\n${allow(user)}`);
  return fail(`${user} cannot become root by \`sudo -n\`: ${stderr || `exit code ${code}`}`, allow(user));
}

const allow = (user: string): string =>
  `As root on the host: echo '${user} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/${user} && chmod 0440 /etc/sudoers.d/${user} && visudo -c`;
