import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, native, protect, adoptFrom } from "../patterns";

// nft ends a line at \n alone, and reads another file wherever `include` stands outside of quotes and remarks.
const rules = native
  .regex(/^(?:[^\r\u2028\u2029]|\r\n)*$/, "lines that end with a line feed, and no other line separators")
  .regex(
    /^(?:"[^"]*(?:"|$)|#[^\n]*|[^"#A-Za-z0-9_]|(?!include(?![A-Za-z0-9_]))[A-Za-z0-9_]+(?![A-Za-z0-9_]))*$/,
    "rules without `include`, which would leave the table and read any file of the host's as root",
  );

const schema = z.strictObject({
  family: z.enum(["ip", "ip6", "inet", "arp", "bridge", "netdev"]).describe("address family, nft(8)"),
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "a table's name: letters, digits and _, at most 63")
    .describe("the table's name"),
  content: rules.min(1).describe("what stands between the table's braces"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type NftablesTableSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type NftablesTableArgs = z.input<typeof schema>;

/** Its name is `<family>/<name>`. */
export const nftablesTable = defineKind({
  name: "nftables-table",
  list: "nftables_tables",
  label: "nftables tables",
  description: "An nftables table that is owned as a whole and replaced in one transaction, nft(8)",
  schema,
  nameOf: (spec: NftablesTableSpec): string => `${spec.family}/${spec.name}`,
  mayDisconnect: true,
  disruption: {
    family: "another resource",
    name: "another resource",
    content: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
