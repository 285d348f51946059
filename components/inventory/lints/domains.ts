import { numberOf, rangeOf } from "../../../providers/vlan/ipv4";
import { type Finding, type LintHost, clashes, error, warning } from "./finding";

/** Pools, images, volumes and domains: what they name is declared, and nothing is two guests'. */
export const domains = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => {
    const disks = disksOf(host);
    const interfaces = interfacesOf(host);
    return [
      ...hypervisorOf(host),
      ...poolsOf(host),
      ...volumesOf(host),
      ...disks.flatMap((disk) => volumeOf(host, disk)),
      ...interfaces.flatMap((one) => [...bridgeOf(host, one), ...addressOf(host, one)]),
      ...renamedTwice(host),
      ...notAwaited(host, hosts),
      ...disksTwice(host, disks),
      ...interfacesTwice(host, interfaces),
    ];
  });

type Disk = ReturnType<typeof disksOf>[number];
type Interface = ReturnType<typeof interfacesOf>[number];

const disksOf = ({ vars }: LintHost) =>
  vars.domains.flatMap(({ name, disks }, at) =>
    disks.map((disk, index) => ({ ...disk, domain: name, path: ["domains", at, "disks", index] })),
  );

const interfacesOf = ({ vars }: LintHost) =>
  vars.domains.flatMap(({ name, interfaces }, at) =>
    interfaces.map((one, index) => ({ ...one, domain: name, path: ["domains", at, "interfaces", index] })),
  );

/** Domains, pools and volumes need `hypervisor: true`. */
function hypervisorOf(host: LintHost): Finding[] {
  const { homelab_host: base, pools, domains } = host.vars;
  if (base === undefined || base.hypervisor) return [];
  const lists = (["pools", "domains"] as const).filter((list) => ({ pools, domains })[list].length > 0);
  return lists.map((list) => error(host, [list], `they need libvirt: set \`hypervisor: true\` in homelab_host`));
}

/** Something that this inventory does not have: an error, unless the host's base is another project's, which may have this, too. */
function absent(host: LintHost, path: PropertyKey[], message: string): Finding {
  if (host.vars.homelab_host) return error(host, path, message);
  return warning(host, path, `${message}; another project on that host must have it`);
}

/** Resources that a domain names must be declared in their own lists. */
function undeclared(host: LintHost, path: PropertyKey[], name: string, list: string, known: string[]): Finding[] {
  if (known.includes(name)) return [];
  return [absent(host, path, `host ${host.name} declares no ${name} in its ${list}, which are ${known.join(", ") || "none"}`)];
}

function poolsOf(host: LintHost): Finding[] {
  const pools = host.vars.pools.map((pool, index) => ({ ...pool, index }));
  return clashes(pools, (one, other) => one.path === other.path).map(([pool, other]) =>
    error(host, ["pools", pool.index, "path"], `${pool.path} is the folder of pool ${other.name} already`),
  );
}

function volumesOf(host: LintHost): Finding[] {
  const pools = host.vars.pools.map(({ name }) => name);
  const images = host.vars.images.map(({ name }) => name);
  return host.vars.volumes.flatMap(({ pool, image }, index) => [
    ...undeclared(host, ["volumes", index, "pool"], pool, "pools", pools),
    ...(image === undefined ? [] : undeclared(host, ["volumes", index, "image"], image, "images", images)),
  ]);
}

function volumeOf(host: LintHost, { volume, path }: Disk): Finding[] {
  if (volume === undefined) return [];
  const volumes = host.vars.volumes.map(({ pool, name }) => `${pool}/${name}`);
  return undeclared(host, [...path, "volume"], volume, "volumes", volumes);
}

/** A guest that is a host, too, takes logins some time after it answers. */
function notAwaited(host: LintHost, hosts: LintHost[]): Finding[] {
  const names = hosts.filter((one) => one !== host).map(({ name }) => name);
  return host.vars.domains.flatMap(({ name, ready, cloud_init: seed }, index) => {
    if (seed === undefined || ready === "ssh" || ready === "cloud-init" || !names.includes(name)) return [];
    const message = `${name} is a host of this inventory, too, and is logged into as soon as it is ready: set \`ready: ssh\``;
    return [warning(host, ["domains", index], message)];
  });
}

/** A name is given up before another domain takes it, so that nobody has to guess which one is meant. */
function renamedTwice(host: LintHost): Finding[] {
  const names = host.vars.domains.map(({ name }) => name);
  return host.vars.domains.flatMap(({ renamed_from: old }, index) => {
    if (old === undefined || !names.includes(old)) return [];
    const message = `${old} is declared, too; take renamed_from out once the rename is done, and then declare a new ${old}`;
    return [error(host, ["domains", index, "renamed_from"], message)];
  });
}

function disksTwice(host: LintHost, disks: Disk[]): Finding[] {
  const shared = clashes(
    disks.filter(({ volume }) => volume !== undefined),
    (one, other) => one.volume === other.volume,
  ).map(([disk, other]) =>
    error(host, [...disk.path, "volume"], `${disk.volume} is a disk of ${other.domain} already; two guests that write one file ruin it`),
  );
  const named = disks.filter(({ target }) => target !== undefined);
  const targets = clashes(named, (one, other) => one.domain === other.domain && one.target === other.target).map(([disk]) =>
    error(host, [...disk.path, "target"], `${disk.target} is another disk of ${disk.domain} already`),
  );
  return [...shared, ...targets];
}

function interfacesTwice(host: LintHost, interfaces: Interface[]): Finding[] {
  const named = interfaces.filter(({ mac }) => mac !== undefined);
  return clashes(named, (one, other) => one.mac === other.mac).map(([one, other]) =>
    error(host, [...one.path, "mac"], `${one.mac} is an interface of ${other.domain} already; each has a MAC address of its own`),
  );
}

function bridgeOf(host: LintHost, { bridge, path }: Interface): Finding[] {
  const bridges = host.vars.bridges.map(({ name }) => name);
  if (bridges.includes(bridge)) return [];
  // A bridge that libvirt or someone else created will do as well.
  const message = `host ${host.name} declares no ${bridge} in its bridges, which are ${bridges.join(", ") || "none"}; it must exist already`;
  return [warning(host, [...path, "bridge"], message)];
}

/** An address is handed out by the DHCP server of the interface's VLAN, which so must be this host's. */
function addressOf(host: LintHost, { address, bridge, vlan: id, path }: Interface): Finding[] {
  if (address === undefined) return [];
  const at = [...path, "address"];
  const vlan = host.vars.vlans.find((one) => one.bridge === bridge && one.id === id);
  if (vlan?.dhcp === undefined)
    return [absent(host, at, `host ${host.name} declares no VLAN ${id} on ${bridge} with dhcp, which hands out addresses`)];
  const own = vlan.address!;
  const { first, last } = rangeOf(own);
  const number = numberOf(address);
  if (number <= first || number >= last)
    return [error(host, at, `${address} is no host's address in the network of ${vlan.name} (${own})`)];
  if (address === own.split("/")[0]) return [error(host, at, `${address} is this host's own address in ${vlan.name}`)];
  const others = interfacesOf(host).filter((one) => one.bridge === bridge && one.vlan === id && one.address === address);
  if (others[0]!.path.join() !== path.join()) return [error(host, at, `${address} is ${others[0]!.domain}'s already; declare another one`)];
  const lease = vlan.dhcp.leases.find((one) => one.address === address);
  return lease === undefined ? [] : [error(host, at, `${address} is leased to ${lease.mac} already, in ${vlan.name}`)];
}
