import { z } from "zod";
import { defineKind } from "../kind";
import { absolute, libvirtName, protect, adoptFrom } from "../patterns";

const schema = z.strictObject({
  name: libvirtName,
  path: absolute.describe("the folder; it is made when it is not there, and does not change"),
  adopt: z
    .boolean()
    .optional()
    .describe("take over an existing pool that homelab does not manage, or a new folder in place of the former one"),
  adopt_from: adoptFrom,
  protect,
});

export type PoolSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type PoolArgs = z.input<typeof schema>;

export const pool = defineKind({
  name: "pool",
  list: "pools",
  label: "storage pools",
  description: "A storage pool of type `dir`: a folder for volumes, https://libvirt.org/formatstorage.html",
  schema,
  nameOf: (spec: PoolSpec): string => spec.name,
  disruption: {
    name: "another resource",
    path: "never changed",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
