import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, link, mac, vlanId, protect, adoptFrom } from "../patterns";
import { numberOf, rangeOf } from "./ipv4";

const address = z.ipv4("an IPv4 address such as 10.10.10.20");
const cidr = z.cidrv4("an IPv4 address with prefix, such as 10.10.10.1/24");

const lease = z.strictObject({ mac, address: address.describe("the address that this MAC always gets") });

const dhcp = z.strictObject({
  from: address.describe("the first address to hand out"),
  to: address.describe("the last address to hand out"),
  dns: z.array(address).default([]).describe("name servers to hand out"),
  leases: z.array(lease).default([]).describe("static leases"),
});

const schema = z
  .strictObject({
    name: link.describe("the VLAN link's name"),
    id: vlanId.describe("the VLAN's id"),
    bridge: link.describe("the bridge that carries it"),
    address: cidr.optional(),
    mtu: z.int().min(576).max(65535).default(1500).describe("bytes"),
    dhcp: dhcp.optional().describe("hand out addresses in this VLAN"),
    adopt,
    adopt_from: adoptFrom,
    protect,
  })
  .superRefine((unit, problems) => {
    const fault = (path: PropertyKey[], message: string): void => problems.addIssue({ code: "custom", path: ["dhcp", ...path], message });
    if (unit.dhcp === undefined) return;
    if (unit.address === undefined) return fault([], "dhcp needs `address`, whose network it hands out");
    if (!cidr.safeParse(unit.address).success) return;
    const { address: own, dhcp } = unit;
    const { first, last } = rangeOf(own);
    const inside = (value: string): boolean => !address.safeParse(value).success || (numberOf(value) >= first && numberOf(value) <= last);
    for (const key of ["from", "to"] as const) if (!inside(dhcp[key])) fault([key], `expected an address within the network of ${own}`);
    if (numberOf(dhcp.from) > numberOf(dhcp.to)) fault(["to"], "expected an address not before `from`");
    dhcp.leases.forEach((one, index) => {
      if (!inside(one.address)) fault(["leases", index, "address"], `expected an address within the network of ${own}`);
    });
  });

export type VlanSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type VlanArgs = z.input<typeof schema>;

export const vlan = defineKind({
  name: "vlan",
  list: "vlans",
  label: "VLANs",
  description: "A VLAN on a bridge, with the host's address in it and its DHCP server, systemd.network(5)",
  schema,
  nameOf: (spec: VlanSpec): string => spec.name,
  mayDisconnect: true,
  disruption: {
    name: "another resource",
    id: "replace",
    bridge: "replace",
    address: "live",
    mtu: "live",
    dhcp: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
