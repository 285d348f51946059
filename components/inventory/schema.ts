import { z } from "zod";
import { kinds } from "../../providers/kinds";
import { type PodmanSecretUnit } from "../../providers/podman-secret/schema";

/** A list of a kind's units, each of another name. */
function list<T>(kind: { schema: z.ZodType<T>; nameOf: (unit: T) => string }) {
  return z
    .array(kind.schema)
    .default([])
    .superRefine((units, problems) => {
      const names = units.map(kind.nameOf);
      names.forEach((name, index) => {
        if (names.indexOf(name) < index)
          problems.addIssue({ code: "custom", path: [index], message: `${name} is declared twice; remove or rename one` });
      });
    });
}

/** What `host_vars/<host>.yml` may hold: one list per kind, in Ansible's names. */
export const hostVars = z.strictObject({
  homelab_host: kinds.host.schema.optional(),
  bridges: list(kinds.bridge),
  vlans: list(kinds.vlan),
  pools: list(kinds.pool),
  images: list(kinds.image),
  volumes: list(kinds.volume),
  domains: list(kinds.domain),
  nftables_tables: list(kinds["nftables-table"]),
  service_users: list(kinds["service-user"]),
  // The digest is computed, never written.
  podman_secrets: list({ ...kinds["podman-secret"], schema: kinds["podman-secret"].schema.omit({ digest: true }) }),
  quadlet_units: list(kinds["quadlet-unit"]),
});

/** What it says; the loader adds the digests. */
export interface HostVars extends Omit<z.infer<typeof hostVars>, "podman_secrets"> {
  podman_secrets: PodmanSecretUnit[];
}

const OWNER = /^[a-z][a-z0-9-]{0,31}$/;
export const SSH_ARGS = "-F '{{ inventory_dir }}/ssh_config'";

/** What `group_vars/all.yml` may hold. */
export const groupVars = z.strictObject({
  homelab_owner: z
    .string()
    .regex(OWNER, "an owner's name: lower-case letters, digits and -, beginning with a letter, at most 32")
    .describe("the name that marks what is yours on a host"),
  homelab_prune: z.boolean().optional(),
  homelab_lock_wait: z.int("seconds, a whole number").min(0, "seconds, 0 or more").optional(),
  homelab_confirm_seconds: z.int("seconds, a whole number").min(30, "seconds, 30 or more").max(3600, "seconds, at most 3600").optional(),
  retired_hosts: z.array(z.string()).optional(),
  ansible_ssh_common_args: z.literal(SSH_ARGS, {
    error: `must be "${SSH_ARGS}": connection settings live in ssh_config, for Ansible and Pulumi alike`,
  }),
});

const SSH_CONFIG = "nothing stands here: how a host is reached is in ssh_config, its units in host_vars/<host>.yml";
const hostName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "a host's name: letters, digits, _ . -, without Ansible's ranges");
const hosts = z.record(hostName, z.strictObject({}, { error: SSH_CONFIG }).nullable()).nullish();

/** What `hosts.yml` may hold: groups of hosts; what is said of a host stands in host_vars and ssh_config. */
export const hostsFile = z.strictObject({
  all: z.strictObject(
    { hosts, children: z.record(z.string(), z.strictObject({ hosts }).nullable()).optional() },
    { error: ({ code }) => (code === "invalid_type" ? "the hosts are named here, in all.hosts or all.children.<group>.hosts" : undefined) },
  ),
});
