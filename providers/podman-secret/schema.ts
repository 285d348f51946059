import { z } from "zod";
import { user } from "../text";

/** A Podman secret, podman-secret-create(1). Its value stands in the inventory's vault.yml, or comes from a program. */
export const schema = z.strictObject({
  user: user.optional().describe("the user whose units use it; without one it is root's"),
  name: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,198}[A-Za-z0-9])?$/, "a secret's name: letters, digits, _ . and - within, at most 200")
    .describe("the name that a unit's Secret= says"),
  from: z.string().optional().describe("its name in the vault; the same unless said"),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "an HMAC-SHA-256 in hexadecimal")
    .optional()
    .describe("the value as an HMAC, which is all that is compared and kept"),
  adopt: z.boolean().optional().describe("take over a secret of this name that bears nobody's mark"),
});

export type PodmanSecretUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type PodmanSecretUnitArgs = z.input<typeof schema>;

/** The unit's name within its host: `<user or "system">/<name>`. */
export const nameOf = (unit: PodmanSecretUnit): string => `${unit.user ?? "system"}/${unit.name}`;
