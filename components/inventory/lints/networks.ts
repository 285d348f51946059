import { rangeOf } from "../../../providers/vlan/ipv4";
import { type Finding, type LintHost, clashes, error, warning } from "./finding";

/** Bridges, their ports, and the VLANs on them: what they name exists, and nothing is there twice. */
export function networks(hosts: LintHost[]): Finding[] {
  return [...hosts.flatMap((host) => [...bridgesOf(host), ...idsOf(host), ...portsOf(host), ...namesOf(host)]), ...overlaps(hosts)];
}

/** Each VLAN's bridge is there, and a port of it carries the VLAN; one without ports waits for its guests. */
function bridgesOf(host: LintHost): Finding[] {
  const { bridges, vlans } = host.vars;
  return vlans.flatMap((vlan, index) => {
    const bridge = bridges.find(({ name }) => name === vlan.bridge);
    if (bridge === undefined) {
      const known = bridges.map(({ name }) => name).join(", ") || "none";
      const message = `host ${host.name} declares no ${vlan.bridge} in its bridges, which are ${known}`;
      // Without a base of its own, a host is another project's, too, which may have the bridge.
      if (host.vars.homelab_host) return [error(host, ["vlans", index, "bridge"], message)];
      return [warning(host, ["vlans", index, "bridge"], `${message}; another project on that host must have it`)];
    }
    if (vlan.mtu > bridge.mtu) {
      const message = `${vlan.name} cannot have more bytes than its bridge ${bridge.name}, which has ${bridge.mtu}`;
      return [error(host, ["vlans", index, "mtu"], message)];
    }
    const carried = bridge.ports.flatMap(({ tagged, untagged }) => [...tagged, untagged]);
    if (bridge.ports.length === 0 || carried.includes(vlan.id)) return [];
    const message = `no port of ${bridge.name} carries VLAN ${vlan.id}: add it to a port's tagged, unless it is for guests alone`;
    return [warning(host, ["vlans", index, "id"], message)];
  });
}

function idsOf(host: LintHost): Finding[] {
  const vlans = host.vars.vlans.map((vlan, index) => ({ ...vlan, index }));
  return clashes(vlans, (one, other) => one.bridge === other.bridge && one.id === other.id).map(([vlan, other]) =>
    error(host, ["vlans", vlan.index, "id"], `VLAN ${vlan.id} on ${vlan.bridge} is ${other.name} already; a bridge has one link per id`),
  );
}

function portsOf(host: LintHost): Finding[] {
  const ports = host.vars.bridges.flatMap((bridge, at) =>
    bridge.ports.map((port, index) => ({ ...port, bridge: bridge.name, path: ["bridges", at, "ports", index] })),
  );
  const twice = clashes(ports, (one, other) => one.name === other.name).map(([port, other]) =>
    error(host, [...port.path, "name"], `${port.name} is a port of ${other.bridge} already; a link is the port of one bridge`),
  );
  const carried = ports.flatMap(({ tagged, untagged, path }) => {
    const again = tagged.findIndex((id, index) => tagged.indexOf(id) < index || id === untagged);
    return again < 0
      ? []
      : [error(host, [...path, "tagged", again], `VLAN ${tagged[again]} is carried by this port already; name it once`)];
  });
  return [...twice, ...carried];
}

/** Bridges, their ports and VLANs are links of one host, and share its names. */
function namesOf(host: LintHost): Finding[] {
  const { bridges, vlans } = host.vars;
  const links = [
    ...bridges.flatMap(({ ports, name: bridge }, at) =>
      ports.map(({ name }, index) => ({ name, is: `a port of ${bridge}`, kind: "port", path: ["bridges", at, "ports", index, "name"] })),
    ),
    ...bridges.map(({ name }, index) => ({ name, is: "a bridge", kind: "bridge", path: ["bridges", index, "name"] })),
    ...vlans.map(({ name }, index) => ({ name, is: "a VLAN", kind: "vlan", path: ["vlans", index, "name"] })),
  ];
  // Two of a kind are reported elsewhere.
  return clashes(links, (one, other) => one.name === other.name && one.kind !== other.kind).map(([link, other]) =>
    error(host, link.path, `${link.name} is ${other.is} already; each link of a host has a name of its own`),
  );
}

/** Hosts route to each other's VLANs, so their networks should differ, too; on one host they must. */
function overlaps(hosts: LintHost[]): Finding[] {
  const all = hosts.flatMap((host) =>
    host.vars.vlans.flatMap(({ name, address }, index) => (address === undefined ? [] : [{ host, name, index, address }])),
  );
  const overlap = (one: { address: string }, other: { address: string }): boolean => {
    const [a, b] = [rangeOf(one.address), rangeOf(other.address)];
    return a.first <= b.last && b.first <= a.last;
  };
  const at = (index: number): PropertyKey[] => ["vlans", index, "address"];
  const same = clashes(all, (one, other) => one.host === other.host && overlap(one, other)).map(([vlan, other]) =>
    error(vlan.host, at(vlan.index), `${vlan.address} overlaps the network of ${other.name} (${other.address})`),
  );
  const across = clashes(all, (one, other) => one.host !== other.host && overlap(one, other)).map(([vlan, other]) =>
    warning(
      vlan.host,
      at(vlan.index),
      `${vlan.address} overlaps the network of ${other.name} on host ${other.host.name} (${other.address}); neither can reach the other`,
    ),
  );
  return [...same, ...across];
}
