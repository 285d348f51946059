import { z } from "zod";

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const sections = z.record(z.string(), z.record(z.string(), z.union([scalar, z.array(scalar)])));
const relative = z.string().refine((path) => !path.startsWith("/") && !path.split("/").includes(".."), "a path below the unit's folder");

/** A Quadlet unit with its drop-ins and the files that it mounts or reads, podman-systemd.unit(5). */
export const schema = z
  .strictObject({
    user: z.string().optional().describe("the user that runs it; without one it is system-wide"),
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9@_.:-]+\.(container|pod|network|volume|kube|image|build)$/,
        "a file name that ends in .container, .pod, .network, .volume, .kube, .image or .build",
      )
      .optional(),
    sections: sections.optional().describe("section, key, value; a list repeats its key"),
    source: relative.optional().describe("a native file, relative to the inventory, taken byte for byte"),
    content: z.string().optional().describe("the native file's text"),
    dropins: z.record(z.string().regex(/^[\w.-]+\.conf$/, "a file name that ends in .conf"), z.string()).optional(),
    files: z
      .record(relative, z.union([z.string(), z.strictObject({ source: relative })]))
      .optional()
      .describe("files beside the unit, by their path; a unit names them with ./"),
    running: z.boolean().optional().describe("false: stopped; default: started when its [Install] says so"),
    restart: z.enum(["allowed", "denied"]).default("allowed").describe("whether a change may restart it"),
    on_delete: z.enum(["keep", "destroy"]).default("keep").describe("what becomes of a volume's data"),
    adopt: z.boolean().optional().describe("take over a unit of this name that is nobody's"),
  })
  .refine((unit) => [unit.sections, unit.source, unit.content].filter((one) => one !== undefined).length === 1, {
    error: "give exactly one of sections, source or content",
  })
  .refine((unit) => unit.name !== undefined || unit.source !== undefined, { error: "name is missing", path: ["name"] });

export type QuadletUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type QuadletUnitArgs = z.input<typeof schema>;

/** The unit's name within its host: `<user or "system">/<file name>`. */
export const nameOf = (unit: QuadletUnit): string => `${unit.user ?? "system"}/${unit.name ?? unit.source?.split("/").at(-1)}`;
