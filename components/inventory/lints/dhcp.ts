import { numberOf, rangeOf } from "../../../providers/vlan/ipv4";
import { type Finding, type LintHost, clashes, error } from "./finding";

/** Addresses in VLANs, and what their DHCP servers hand out: each address and each MAC once. */
export const dhcp = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => host.vars.vlans.flatMap((vlan, index) => [...reserved(host, vlan, index), ...leasesOf(host, vlan, index)]));

type Vlan = LintHost["vars"]["vlans"][number];

/** The first and the last address of a network are no host's; networkd takes a range from the first as its default. */
function reserved(host: LintHost, vlan: Vlan, index: number): Finding[] {
  if (vlan.address === undefined) return [];
  const { first, last } = rangeOf(vlan.address);
  if (last - first < 3) return [];
  const named: [path: PropertyKey[], address: string][] = [
    [["address"], vlan.address.split("/")[0]!],
    ...(vlan.dhcp === undefined ? [] : (["from", "to"] as const).map((key) => [["dhcp", key], vlan.dhcp![key]] as [string[], string])),
    ...(vlan.dhcp?.leases ?? []).map(({ address }, at) => [["dhcp", "leases", at, "address"], address] as [PropertyKey[], string]),
  ];
  return named.flatMap(([path, address]) => {
    const what = { [first]: "the network's own address", [last]: "the network's broadcast address" }[numberOf(address)];
    return what === undefined ? [] : [error(host, ["vlans", index, ...path], `${address} is ${what}; choose one between them`)];
  });
}

function leasesOf(host: LintHost, vlan: Vlan, index: number): Finding[] {
  const leases = (vlan.dhcp?.leases ?? []).map((lease, at) => ({
    ...lease,
    path: ["vlans", index, "dhcp", "leases", at] as PropertyKey[],
  }));
  const own = vlan.address?.split("/")[0];
  return [
    ...leases.flatMap(({ address, path }) =>
      address === own ? [error(host, [...path, "address"], `${address} is this host's own address in ${vlan.name}`)] : [],
    ),
    ...clashes(leases, (one, other) => one.mac === other.mac).map(([lease, other]) =>
      error(host, [...lease.path, "mac"], `${lease.mac} is leased ${other.address} already; a MAC address has one lease`),
    ),
    ...clashes(leases, (one, other) => one.address === other.address).map(([lease, other]) =>
      error(host, [...lease.path, "address"], `${lease.address} is leased to ${other.mac} already`),
    ),
  ];
}
