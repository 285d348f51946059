import { z } from "zod";
import { link } from "../text";

const vlanId = z.int().min(1, "a VLAN id is 1 to 4094").max(4094, "a VLAN id is 1 to 4094");

/** A port of a bridge: VLANs that it carries tagged (`trunk`), and the one that it carries untagged. */
const port = z.strictObject({
  name: link.describe("a link of the host, such as eth1"),
  trunk: z.array(vlanId).default([]).describe("VLAN ids carried tagged"),
  untagged: vlanId.optional().describe("the VLAN id carried untagged"),
});

/** A VLAN-filtering bridge with its ports, systemd.netdev(5). */
export const schema = z.strictObject({
  name: link.describe("the bridge's name"),
  ports: z.array(port).default([]).describe("the links that are its ports"),
  mtu: z.int().min(576).max(65535).default(1500).describe("bytes"),
  stp: z.boolean().default(false).describe("spanning tree protocol"),
  adopt: z.boolean().optional().describe("take over a bridge of this name that bears nobody's mark"),
});

export type BridgeUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type BridgeUnitArgs = z.input<typeof schema>;

/** The unit's name within its host. */
export const nameOf = (unit: BridgeUnit): string => unit.name;
