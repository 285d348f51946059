import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, key, native, onDelete, relative, user, value, protect, adoptFrom } from "../patterns";

const scalar = z.union([value, z.number(), z.boolean()], { error: "a string, a number, true or false" });
const values = z.union([scalar, z.array(scalar)], {
  error: "a string, a number, true or false, or a list of these, which repeats its key",
});
const sections = z.record(key, z.record(key, values));

const NAME = /^(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9@_.:-]*\.(container|pod|network|volume|kube|image|build)$/;
const file = relative("the folder of the user's units").regex(
  /^(?![\s\S]*\.(?:container|pod|network|volume|kube|image|build)$)/,
  "a file that is no unit: declare a unit by itself",
);
const source = relative("the inventory's folder");

const dropin = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.conf$/, "a file name of letters, digits, _ . - that ends in .conf")
  .regex(/^(?!homelab-stopped\.conf$)/, "another file name: this one is made for `running: false`");

const schema = z
  .strictObject({
    user: user.optional().describe("the user that runs it; without one it is system-wide"),
    name: z
      .string()
      .regex(
        NAME,
        "a file name of at most 200 characters that begins with a letter, digit or _ and ends in .container, .pod, .network, .volume, .kube, .image or .build",
      )
      .optional(),
    sections: sections.optional().describe("section, key, value; a list repeats its key"),
    source: source.optional().describe("a native file, relative to the inventory, taken byte for byte"),
    content: native.optional().describe("the native file's text"),
    dropins: z.record(dropin, native).optional(),
    files: z
      .record(file, z.union([z.string(), z.strictObject({ source })], { error: "a string, or { source: a file of the inventory }" }))
      .optional()
      .describe("files beside the unit, by their path; a unit names them with ./"),
    running: z.boolean().optional().describe("false: stopped; default: started as its [Install] asks"),
    restart: z.enum(["allowed", "denied"]).default("allowed").describe("whether a change may restart it"),
    on_delete: onDelete.describe("what becomes of a volume's data"),
    adopt,
    adopt_from: adoptFrom,
    protect,
  })
  .refine((unit) => [unit.sections, unit.source, unit.content].filter((one) => one !== undefined).length === 1, {
    error: "expected exactly one of sections, source and content",
  })
  .refine((unit) => unit.name !== undefined || unit.source !== undefined, { error: "missing: the unit's file name", path: ["name"] })
  .refine((unit) => unit.name !== undefined || unit.source === undefined || NAME.test(unit.source.split("/").at(-1)!), {
    error: "expected a file whose own name is a unit's, or `name` as well",
    path: ["source"],
  });

export type QuadletUnitSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type QuadletUnitArgs = z.input<typeof schema>;

/** The properties that name a file of the inventory instead of holding its text. */
function filesOf(spec: Record<string, unknown>): string[] {
  const files = Object.entries((spec["files"] ?? {}) as Record<string, unknown>).filter(([, text]) => typeof text === "object");
  return [...("source" in spec ? ["source"] : []), ...files.map(([path]) => `files.${path}`)];
}

/** Its name is `<user or "system">/<file name>`. */
export const quadletUnit = defineKind({
  name: "quadlet-unit",
  list: "quadlet_units",
  label: "Quadlet units",
  description: "A Quadlet unit with its drop-ins and the files that it mounts or reads, podman-systemd.unit(5)",
  schema,
  nameOf: (spec: QuadletUnitSpec): string => `${spec.user ?? "system"}/${spec.name ?? spec.source?.split("/").at(-1)}`,
  filesOf,
  disruption: {
    user: "another resource",
    name: "another resource",
    sections: "restart; replace of a network, data-loss of a volume",
    source: "restart; replace of a network, data-loss of a volume",
    content: "restart; replace of a network, data-loss of a volume",
    dropins: "restart",
    files: "restart",
    running: "restart",
    restart: "live",
    on_delete: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
