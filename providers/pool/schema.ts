import { z } from "zod";
import { absolute, libvirtName } from "../text";

/** A storage pool of type `dir`: a folder for volumes, https://libvirt.org/formatstorage.html. */
export const schema = z.strictObject({
  name: libvirtName,
  path: absolute.describe("the folder; it is made when it is not there, and does not change"),
  adopt: z
    .boolean()
    .optional()
    .describe("take over a pool of this name that is nobody's, or a new folder in the place of the one that it had"),
});

export type PoolUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type PoolUnitArgs = z.input<typeof schema>;

/** The unit's name within its host. */
export const nameOf = (unit: PoolUnit): string => unit.name;
