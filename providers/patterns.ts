import { z } from "zod";

// Values that a host's files and commands accept as they are. All are patterns, since plain Ansible's check of the same schemas is
// generated from them (scripts/generate/schemas.ts); so keep to what ECMAScript and Python's re read alike.

/** Text in a language of its own, such as nft's or a native unit file: lines, without other control characters. */
export const native = z
  .string()
  .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]*$/, "lines of text, without control characters");

/** The value of a key in a unit file, systemd.syntax(7): nothing that would begin another line, or be cut off at its ends. */
export const value = z
  .string()
  .regex(
    /^[^\u0000-\u0008\u000a-\u001f\u007f-\u009f\ufeff]*$/,
    "one line of text, without control characters; a list repeats its key, and `>-` folds long lines into one",
  )
  .regex(/[\r\n]|^(?:\S(?:[\s\S]*\S)?)?$/, "text without blanks at its ends, which systemd would cut off")
  .regex(/(?<!\\)$/, "text that does not end in \\, which would join the next line");

/** A name of a section or key in a unit file. */
export const key = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, "a name of letters, digits and -, beginning with a letter");

/** A path below some folder: it does not lead out of it, and is written in one way only. */
export const relative = (folder: string) =>
  z
    .string()
    .regex(
      /^(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f-\u009f\ufeff]+(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f-\u009f\ufeff]+)*$/,
      `a path below ${folder}: without / at its ends, empty parts, . or .., and without control characters`,
    );

/** The name of a network link, as systemd takes it; one that begins with - would be an option of a command. */
export const link = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, "a link's name: letters, digits, _ . -, at most 15, not beginning with . or -")
  .regex(/[^0-9]/, "a link's name, which does not consist of digits only")
  .regex(/^(?!(?:all|default)$)/, "a link's name; `all` and `default` are taken by the kernel");

/** Whoever runs a unit. Root's own units are the system-wide ones. */
export const user = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, "a user's name: letters, digits, _ . -, beginning with a letter or _")
  .regex(/^(?!(?:root|system)$)/, "a user other than root; leave `user` out for a system-wide unit");

/** The name of a libvirt object, which is part of files' names. */
export const libvirtName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/, "a name of letters, digits, _ . -, at most 63, not beginning with . or -");

/** The path of a file or folder on the host, written in one way only. */
export const absolute = z
  .string()
  .regex(
    /^(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f-\u009f\ufeff]+)+$/,
    "an absolute path: without / at its end, empty parts, . or .., and without control characters",
  );

/** A MAC address. */
export const mac = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'a MAC address in lower case and quotes, such as "52:54:00:00:00:0a"');

/** The id of a VLAN, IEEE 802.1Q. */
export const vlanId = z.int().min(1, "1 to 4094").max(4094, "1 to 4094");

const SIZE = "a size such as 512 MiB, 20 GiB or 1 TiB";
/** A size of memory or of a volume. */
export const size = z.string(SIZE).regex(/^[1-9][0-9]{0,6} (MiB|GiB|TiB)$/, SIZE);

const UNITS: Record<string, number> = { MiB: 1, GiB: 1024, TiB: 1024 ** 2 };
/** Such a size in MiB. */
export const mebibytes = (text: string): number => {
  const [count, unit] = text.split(" ");
  return Number(count) * UNITS[unit!]!;
};

/** The consent to take over an object, a property of every kind that can find one. */
export const adopt = z.boolean().optional().describe("take over an existing one that homelab does not manage");

/** The consent to take over another owner's object. */
export const adoptFrom = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "an owner's name")
  .optional()
  .describe("take over an existing one from this owner, who has to give it up");

/** Nothing removes or replaces a resource while it is set, a property of every kind. */
export const protect = z.boolean().optional().describe("while true, nothing removes or replaces it");

/** What becomes of a resource's data when it is removed. */
export const onDelete = z.enum(["keep", "destroy"]).default("keep");
