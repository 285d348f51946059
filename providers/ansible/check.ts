import { join, resolve } from "node:path";
import { checkStrictness } from "../ssh/config";
import { packageRoot } from "./program";
import { type Run, startAlone } from "./run";

/**
 * One run of site.yml for a whole inventory in check mode, which changes nothing: each kind's module says of each unit that
 * differs what applying it would do, or why it would be refused. A host that is away is an event of its own.
 */
export async function checkInventory(inventory: string, hosts: string[]): Promise<Run> {
  const sshConfig = join(resolve(inventory), "ssh_config");
  for (const host of hosts) await checkStrictness(sshConfig, host);
  const site = join(packageRoot, "ansible", "site.yml");
  // Nobody waits here for a guest whose network was just made.
  const impatient = JSON.stringify({ ansible_ssh_retries: 0 });
  return startAlone(["-i", join(resolve(inventory), "hosts.yml"), "--check", "--forks", String(hosts.length), "--extra-vars", impatient, site]);
}
