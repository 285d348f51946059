import { join, resolve } from "node:path";
import { checkStrictness } from "../ssh/config";
import { packageRoot } from "./program";
import { type Run, startAlone } from "./run";

/** A look at a host takes seconds; a preview does not wait for one that hangs. */
const CHECK_LIMIT_MS = 10 * 60_000;

/**
 * One run of site.yml for a whole inventory in check mode, which changes nothing: each kind's module reports for each
 * resource that differs what applying it would do, or why it would be rejected. An unreachable host is an event of its own.
 */
export async function checkInventory(inventory: string, hosts: string[]): Promise<Run> {
  const sshConfig = join(resolve(inventory), "ssh_config");
  for (const host of hosts) await checkStrictness(sshConfig, host);
  const site = join(packageRoot, "ansible", "site.yml");
  // All in one play: one whose networks are there already needs no other one. Nobody waits here for a guest whose network was just made.
  // What leaves the configuration is the engine's to remove.
  const variables = { homelab_first: "all", homelab_then: "all:!all", ansible_ssh_retries: 0, homelab_prune: false };
  const which = ["-i", join(resolve(inventory), "hosts.yml"), "--limit", hosts.join(","), "--forks", String(hosts.length)];
  return startAlone([...which, "--check", "--extra-vars", JSON.stringify(variables), site], CHECK_LIMIT_MS);
}
