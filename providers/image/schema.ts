import { z } from "zod";
import { defineKind } from "../kind";
import { libvirtName, protect } from "../patterns";

const schema = z.strictObject({
  name: libvirtName,
  source: z
    .string()
    .regex(
      /^(https?:\/\/[!-~]+|(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f-\u009f\ufeff]+)+)$/,
      "a URL (http or https) without blanks, or an absolute path on the host",
    )
    .describe("where it is fetched from: a URL, or a file of the host"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in 64 lower-case hexadecimal digits, as sha256sum(1) prints it"),
  protect,
});

export type ImageSpec = z.infer<typeof schema>;

/** The same as a user writes it. */
export type ImageArgs = z.input<typeof schema>;

export const image = defineKind({
  name: "image",
  list: "images",
  label: "images",
  description: "An image that new volumes are copies of, fetched once and named by its SHA-256",
  schema,
  nameOf: (spec: ImageSpec): string => spec.name,
  disruption: {
    name: "another resource",
    source: "live",
    sha256: "live",
    protect: "live",
  },
});
