import { z } from "zod";
import { kinds } from "@homelab/providers";
import { type PodmanSecretUnit } from "../../providers/podman-secret/schema";

/** A list of a kind's units, each of another name. */
function list<T>(kind: { schema: z.ZodType<T>; nameOf: (unit: T) => string }) {
  return z
    .array(kind.schema)
    .default([])
    .superRefine((units, problems) => {
      const names = units.map(kind.nameOf);
      names.forEach((name, index) => {
        if (names.indexOf(name) < index) problems.addIssue({ code: "custom", path: [index], message: `${name} is declared twice` });
      });
    });
}

/** What `host_vars/<host>.yml` may hold: one list per kind, in Ansible's names. */
export const hostVars = z.strictObject({
  homelab_host: kinds.host.schema.optional(),
  bridges: list(kinds.bridge),
  vlans: list(kinds.vlan),
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
    .string({ error: "homelab_owner is missing: the name that marks what is yours on a host" })
    .regex(OWNER, "an owner's name: lower-case letters, digits and -, beginning with a letter, at most 32"),
  homelab_prune: z.boolean().optional(),
  retired_hosts: z.array(z.string()).optional(),
  ansible_ssh_common_args: z.literal(SSH_ARGS, {
    error: `must be "${SSH_ARGS}": connection settings live in ssh_config, for Ansible and Pulumi alike`,
  }),
});

const hosts = z.record(z.string(), z.union([z.null(), z.strictObject({})])).nullish();

/** What `hosts.yml` may hold: groups of hosts; what is said of a host stands in host_vars and ssh_config. */
export const hostsFile = z.strictObject({
  all: z.strictObject({
    hosts,
    children: z.record(z.string(), z.union([z.null(), z.strictObject({ hosts })])).optional(),
  }),
});
