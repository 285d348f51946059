import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, onDelete, protect, adoptFrom, size } from "../patterns";

const SHARE = "a share of one CPU such as 50% or 200%";

const schema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "a user's name as useradd(8) takes it: a-z, digits, _ and -, at most 31")
    .regex(/^(?!(?:root|system)$)/, "a user of its own; root's units are system-wide"),
  uid: z.int().min(1000, "1000 to 59999").max(59999, "1000 to 59999").describe("fixed, never changed"),
  subids: z
    .strictObject({
      start: z.int().min(100000, "100000 or more").max(4_000_000_000),
      count: z.int().min(1).max(1_000_000_000).default(65536),
    })
    .refine(({ start, count }) => start + count - 1 <= 4_294_967_294, "subordinate ids end at 4294967294")
    .describe("subordinate uids and gids, disjoint from everyone else's, subuid(5)"),
  limits: z
    .strictObject({
      memory: size.optional().describe("memory of all its processes together; they get no swap then, systemd.resource-control(5)"),
      tasks: z.int().min(1, "1 to 4194304").max(4_194_304, "1 to 4194304").optional().describe("its processes and their threads"),
      cpu: z
        .string(SHARE)
        .regex(/^[1-9][0-9]{0,4}%$/, SHARE)
        .optional()
        .describe("CPU time of all its processes together: 100% is one CPU, 200% two"),
      disk: size.optional().describe("a disk quota: of its own files, not of those of its subordinate ids, quota(1)"),
    })
    .optional()
    .describe("what all that runs as the user may use together"),
  on_delete: onDelete.describe("what becomes of the home; a kept one keeps its uid"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type ServiceUserSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type ServiceUserArgs = z.input<typeof schema>;

/** Whether two ranges of subordinate ids have an id in common, subuid(5). */
export const overlaps = (one: { start: number; count: number }, other: { start: number; count: number }): boolean =>
  one.start < other.start + other.count && other.start < one.start + one.count;

export const serviceUser = defineKind({
  name: "service-user",
  list: "service_users",
  label: "service users",
  description: "A user that runs rootless services and cannot log in, useradd(8), subuid(5)",
  schema,
  nameOf: (spec: ServiceUserSpec): string => spec.name,
  disruption: {
    name: "another resource",
    uid: "never changed",
    subids: "never changed once used",
    limits: "live",
    on_delete: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
