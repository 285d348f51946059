import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, libvirtName, onDelete, size, protect, adoptFrom } from "../patterns";

const schema = z.strictObject({
  pool: libvirtName.describe("the pool in whose folder it lies"),
  name: libvirtName.describe("the file's name"),
  size: size.describe("what the guest sees"),
  format: z.enum(["qcow2", "raw"]).default("qcow2"),
  image: libvirtName.optional().describe("one of `images`, which a new volume is a copy of; without it, it is empty"),
  on_delete: onDelete.describe("what becomes of the file"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type VolumeSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type VolumeArgs = z.input<typeof schema>;

/** Its name is `<pool>/<name>`. */
export const volume = defineKind({
  name: "volume",
  list: "volumes",
  label: "volumes",
  description: "A guest's disk, as a file of a pool. It grows in place, and is never shrunk or overwritten",
  schema,
  nameOf: (spec: VolumeSpec): string => `${spec.pool}/${spec.name}`,
  disruption: {
    pool: "another resource",
    name: "another resource",
    size: "live; never smaller",
    format: "never changed",
    image: "– (of a new volume)",
    on_delete: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
