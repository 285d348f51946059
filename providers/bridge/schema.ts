import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, link, vlanId, protect, adoptFrom } from "../patterns";

/** A port of a bridge: VLANs that it carries tagged (`tagged`), and the one that it carries untagged. */
const port = z.strictObject({
  name: link.describe("a link of the host, such as eth1"),
  tagged: z.array(vlanId).default([]).describe("VLAN ids carried tagged"),
  untagged: vlanId.optional().describe("the VLAN id carried untagged"),
});

const schema = z.strictObject({
  name: link.describe("the bridge's name"),
  ports: z.array(port).default([]).describe("the links that are its ports"),
  mtu: z.int().min(576).max(65535).default(1500).describe("bytes"),
  stp: z.boolean().default(false).describe("spanning tree protocol"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type BridgeSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type BridgeArgs = z.input<typeof schema>;

export const bridge = defineKind({
  name: "bridge",
  list: "bridges",
  label: "bridges",
  description: "A VLAN-filtering bridge with its ports, systemd.netdev(5)",
  schema,
  nameOf: (spec: BridgeSpec): string => spec.name,
  mayDisconnect: true,
  renamed: { "ports[].trunk": "tagged" },
  disruption: {
    name: "another resource",
    ports: "live",
    mtu: "live",
    stp: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
