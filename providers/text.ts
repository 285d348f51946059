import { z } from "zod";

// What a host's files and commands take as it is; ansible/module_utils/homelab/texts.py has the same for plain Ansible.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]/;

/** A text in a language of its own, such as nft's or a native unit file: lines, without other control characters. */
export const native = z.string().refine((text) => !CONTROL.test(text), "lines of text, without control characters");

const ONE_LINE = "one line of text, without control characters; a list repeats its key, and `>-` folds long lines into one";

/**
 * The value of a key in a unit file, systemd.syntax(7): what would begin another line, or be cut off at its ends, is
 * refused.
 */
export const value = z
  .string()
  .refine((text) => !CONTROL.test(text) && !/[\r\n]/.test(text), ONE_LINE)
  .refine((text) => /[\r\n]/.test(text) || !/^\s|\s$/.test(text), "a text without blanks at its ends, which systemd would cut off")
  .refine((text) => !text.endsWith("\\"), "a text that does not end in \\, which would join the next line");

/** A name of a section or key in a unit file. */
export const key = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, "a name of letters, digits and -, beginning with a letter");

/** A path below some folder: it does not lead out of it, and is written in one way only. */
export const relative = (folder: string) =>
  z
    .string()
    .refine(
      (path) => !/[\u0000-\u001f\u007f-\u009f\ufeff]/.test(path) && !path.split("/").some((part) => ["", ".", ".."].includes(part)),
      `a path below ${folder}: without / at its ends, empty parts, . or .., and without control characters`,
    );

/** The name of a network link, as systemd takes it; one that begins with - would be an option of a command. */
export const link = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, "a link's name: letters, digits, _ . -, at most 15, not beginning with . or -")
  .regex(/[^0-9]/, "a link's name, which does not consist of digits only")
  .refine((name) => !["all", "default"].includes(name), "a link's name; `all` and `default` are taken by the kernel");

/** Whoever runs a unit. Root's own units are the system-wide ones. */
export const user = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, "a user's name: letters, digits, _ . -, beginning with a letter or _")
  .refine((name) => !["root", "system"].includes(name), "a user other than root; leave `user` out for a system-wide unit");

const SIZE = "a size such as 512 MiB, 20 GiB or 1 TiB";
/** A size of memory or of a volume. */
export const size = z.string(SIZE).regex(/^[1-9][0-9]{0,6} (MiB|GiB|TiB)$/, SIZE);

/** The name of something of libvirt's, which is part of files' names. */
export const libvirtName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/, "a name of letters, digits, _ . -, at most 63, not beginning with . or -");

/** Where a file or folder lies on the host: written in one way only. */
export const absolute = z.string().refine(
  (path) =>
    path.startsWith("/") &&
    !CONTROL.test(path) &&
    !/[\t\r\n]/.test(path) &&
    !path
      .slice(1)
      .split("/")
      .some((part) => ["", ".", ".."].includes(part)),
  "an absolute path: without / at its end, empty parts, . or .., and without control characters",
);

const UNITS: Record<string, number> = { MiB: 1, GiB: 1024, TiB: 1024 ** 2 };
/** Such a size in MiB. */
export const mebibytes = (text: string): number => {
  const [count, unit] = text.split(" ");
  return Number(count) * UNITS[unit!]!;
};
