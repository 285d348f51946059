import { z } from "zod";
import { libvirtName, size } from "../text";

/** A volume: a guest's disk, as a file of a pool. It grows in place, and is never made smaller or written over. */
export const schema = z.strictObject({
  pool: libvirtName.describe("the pool in whose folder it lies"),
  name: libvirtName.describe("the file's name"),
  size: size.describe("what the guest sees"),
  format: z.enum(["qcow2", "raw"]).default("qcow2"),
  image: libvirtName.optional().describe("one of `images`, which a new volume is a copy of; without it, it is empty"),
  on_delete: z.enum(["keep", "destroy"]).default("keep").describe("what becomes of the file"),
  adopt: z.boolean().optional().describe("take over a file that is nobody's"),
});

export type VolumeUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type VolumeUnitArgs = z.input<typeof schema>;

/** The unit's name within its host. */
export const nameOf = (unit: VolumeUnit): string => `${unit.pool}/${unit.name}`;
