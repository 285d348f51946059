import { z } from "zod";
import { libvirtName } from "../text";

/** An image: what new volumes are copies of. It is fetched once, named by its hash, and never changed in place. */
export const schema = z.strictObject({
  name: libvirtName,
  source: z
    .string()
    .regex(
      /^(https?:\/\/[!-~]+|(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f-\u009f\ufeff]+)+)$/,
      "a URL (http or https) without blanks, or an absolute path on the host",
    )
    .describe("where it is fetched from: a URL, or a file of the host"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in 64 lower-case hexadecimal digits, as sha256sum(1) prints it"),
});

export type ImageUnit = z.infer<typeof schema>;

/** What a user writes. */
export type ImageUnitArgs = z.input<typeof schema>;

/** The unit's name within its host. */
export const nameOf = (unit: ImageUnit): string => unit.name;
