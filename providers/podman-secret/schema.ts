import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, user, protect, adoptFrom } from "../patterns";
import { storeValue, secretValueOf } from "./secret-values";

const schema = z.strictObject({
  user: user.optional().describe("the user whose units use it; without one it is root's"),
  name: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,198}[A-Za-z0-9])?$/, "a secret's name: letters, digits, _ . and - within, at most 200")
    .describe("the name in a unit's Secret="),
  from: z.string().optional().describe("its name in the vault; the same by default"),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "an HMAC-SHA-256 in hexadecimal")
    .optional()
    .describe("the value as an HMAC, which is all that is compared and kept"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type PodmanSecretSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type PodmanSecretArgs = z.input<typeof schema>;

/** Its name is `<user or "system">/<name>`. */
export const podmanSecret = defineKind({
  name: "podman-secret",
  list: "podman_secrets",
  label: "Podman secrets",
  description:
    "A Podman secret of a user or of the system, podman-secret-create(1). Its value is in the inventory's vault.yml, or comes from a program",
  schema,
  nameOf: (spec: PodmanSecretSpec): string => `${spec.user ?? "system"}/${spec.name}`,
  // The digest is computed, never written.
  inventorySchema: schema.omit({ digest: true }),
  storeValue,
  secretValueOf,
  disruption: {
    user: "another resource",
    name: "another resource",
    from: "restart",
    digest: "restart",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
