import { z } from "zod";
import { native } from "../text";

/** One nftables table that is ours as a whole; the language of `content` is nft(8)'s. */
export const schema = z.strictObject({
  family: z.enum(["ip", "ip6", "inet", "arp", "bridge", "netdev"]).describe("address family, nft(8)"),
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "a table's name: letters, digits and _, at most 63")
    .describe("the table's name"),
  content: native.min(1).describe("what stands between the table's braces"),
  adopt: z.boolean().optional().describe("take over a table of this name that bears nobody's mark"),
});

export type NftablesTableUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type NftablesTableUnitArgs = z.input<typeof schema>;

/** The unit's name within its host: `<family>/<name>`. */
export const nameOf = (unit: NftablesTableUnit): string => `${unit.family}/${unit.name}`;
