import { z } from "zod";

/** A user that runs rootless services; it cannot log in. */
export const schema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "a user's name as useradd(8) takes it: a-z, digits, _ and -, at most 31")
    .refine((name) => !["root", "system"].includes(name), "a user of its own; root's units are system-wide"),
  uid: z.int().min(1000, "a uid is 1000 to 59999").max(59999, "a uid is 1000 to 59999").describe("fixed, never changed"),
  subids: z
    .strictObject({
      start: z.int().min(100000, "subordinate ids start at 100000 or above").max(4_000_000_000),
      count: z.int().min(1).max(1_000_000_000).default(65536),
    })
    .refine(({ start, count }) => start + count - 1 <= 4_294_967_294, "subordinate ids end at 4294967294")
    .describe("subordinate uids and gids, disjoint from everyone else's, subuid(5)"),
  on_delete: z.enum(["keep", "destroy"]).default("keep").describe("what becomes of the home; a kept one keeps its uid"),
  adopt: z.boolean().optional().describe("take over a user of this name that bears nobody's mark"),
});

export type ServiceUserUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type ServiceUserUnitArgs = z.input<typeof schema>;

/** The unit's name within its host. */
export const nameOf = (unit: ServiceUserUnit): string => unit.name;
