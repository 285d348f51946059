import { z } from "zod";
import { type Definition, type KindName, type KindOf, definitions } from "../../providers/kinds";
import { type PodmanSecretSpec } from "../../providers/podman-secret/schema";

/** The declared resources of each kind, by the kind's list. */
type Lists = {
  [Name in KindName as KindOf<Name>["list"]]: KindOf<Name> extends { single: true }
    ? z.infer<KindOf<Name>["schema"]> | undefined
    : z.infer<KindOf<Name>["schema"]>[];
};

/** The content of `host_vars/<host>.yml`; the loader adds the digests of secrets. */
export type HostVars = Omit<Lists, "podman_secrets"> & {
  podman_secrets: PodmanSecretSpec[];
  /** The host's name in the inventory before. */
  homelab_renamed_from?: string | undefined;
};

/** The schema of a kind's list, whose resources have different names. */
function listOf({ schema, inventorySchema, nameOf }: Definition): z.ZodType<object[]> {
  return z
    .array(inventorySchema ?? schema)
    .default([])
    .superRefine((specs, problems) => {
      const names = specs.map((spec) => nameOf(spec));
      names.forEach((name, index) => {
        if (names.indexOf(name) < index)
          problems.addIssue({ code: "custom", path: [index], message: `${name} is declared twice; remove or rename one` });
      });
    });
}

const shape = definitions.map((kind) => [kind.list, kind.single ? kind.schema.optional() : listOf(kind)]);

const hostName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "a host's name: letters, digits, _ . -, without Ansible's ranges");

/** What a host's variables hold beside the lists. */
export const hostSettings = z.strictObject({
  homelab_renamed_from: hostName.optional().describe("the name that this host had in the inventory until now"),
});

/** The schema of `host_vars/<host>.yml`: one list per kind, under the kind's key. */
export const hostVars = z.strictObject({
  ...(Object.fromEntries(shape) as z.ZodRawShape),
  ...hostSettings.shape,
}) as unknown as z.ZodType<HostVars>;

const OWNER = /^[a-z][a-z0-9-]{0,31}$/;
export const SSH_ARGS = "-F '{{ inventory_dir }}/ssh_config'";

/** The schema of `group_vars/all.yml`. */
export const groupVars = z.strictObject({
  homelab_owner: z
    .string()
    .regex(OWNER, "an owner's name: lower-case letters, digits and -, beginning with a letter, at most 32")
    // /etc/containers/systemd/users is read by every user's generator, podman-systemd.unit(5).
    .regex(/^(?!users$)/, "an owner's name other than users, whose units would be every user's")
    .describe("the name that marks what is yours on a host"),
  homelab_prune: z
    .union([z.boolean(), z.literal("confirm")], { error: "true, false or confirm" })
    .optional()
    .describe("plain Ansible removes what is not declared; confirm allows more than half of a host's resources"),
  homelab_lock_timeout: z.int("seconds, a whole number").min(0, "seconds, 0 or more").optional(),
  homelab_confirm_seconds: z.int("seconds, a whole number").min(30, "seconds, 30 or more").max(3600, "seconds, at most 3600").optional(),
  retired_hosts: z.array(z.string()).optional(),
  ansible_ssh_common_args: z.literal(SSH_ARGS, {
    error: `"${SSH_ARGS}", since connection settings are in ssh_config, for Ansible and Pulumi alike`,
  }),
});

const SSH_CONFIG = "nothing here: how a host is reached is in ssh_config, its resources in host_vars/<host>.yml";
const hosts = z.record(hostName, z.strictObject({}, { error: SSH_CONFIG }).nullable()).nullish();

/** The schema of `hosts.yml`: groups of hosts. Everything else about a host is in host_vars and ssh_config. */
export const hostsFile = z.strictObject({
  all: z.strictObject(
    { hosts, children: z.record(z.string(), z.strictObject({ hosts }).nullable()).optional() },
    { error: ({ code }) => (code === "invalid_type" ? "a mapping with the hosts, in hosts or children.<group>.hosts" : undefined) },
  ),
});
