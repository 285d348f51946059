import { type Finding, type LintHost, clashes, error, warning } from "./finding";
import { rangeOf } from "../../../providers/vlan/ipv4";
import { type Entry, type LintUnit, serviceOf, unitsOf, valuesOf } from "./unit-file";

/** Quadlet units: their user exists, and no two conflict. */
export const quadlet = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => {
    const units = unitsOf(host);
    return [
      ...units.flatMap(({ unit, path, name }) => userOf(host, unit.user, path, `${name} is run by`)),
      ...host.vars.podman_secrets.flatMap(({ user, name }, index) =>
        userOf(host, user, ["podman_secrets", index], `${name} is a secret of`),
      ),
      ...services(units),
      ...files(units),
      ...subnets(host, units),
    ];
  });

function userOf(host: LintHost, user: string | undefined, path: PropertyKey[], what: string): Finding[] {
  if (user === undefined || host.vars.service_users.some((one) => one.name === user)) return [];
  const message = `${what} ${user}, who is not in service_users of host ${host.name}; that user must be there, with systemd running`;
  return [warning(host, [...path, "user"], message)];
}

const IPV4 = /^["']?(\d+\.\d+\.\d+\.\d+\/\d+)["']?$/;

/** Podman makes no network over another one of its user's; the system's lie beside the host's own, too. */
function subnets(host: LintHost, units: LintUnit[]): Finding[] {
  const vlans = host.vars.vlans.flatMap(({ name, address }) => (address ? [{ user: "system", name: `VLAN ${name}`, cidr: address }] : []));
  const networks = units.flatMap((unit) =>
    valuesOf(unit, "Network", "Subnet").flatMap((entry) => {
      const cidr = IPV4.exec(entry.value)?.[1];
      return cidr === undefined ? [] : [{ user: unit.user, name: unit.name, cidr, entry }];
    }),
  );
  return clashes<{ user: string; name: string; cidr: string; entry?: Entry }>([...vlans, ...networks], (one, other) => {
    const [a, b] = [rangeOf(one.cidr), rangeOf(other.cidr)];
    return one.user === other.user && a.first <= b.last && b.first <= a.last;
  }).flatMap(([{ name, cidr, entry }, other]) =>
    // Two VLANs are reported elsewhere.
    entry === undefined
      ? []
      : [error(host, entry.path, `${cidr} of ${name} overlaps the network of ${other.name} (${other.cidr})`, entry.place)],
  );
}

function services(units: LintUnit[]): Finding[] {
  const odd = units.flatMap((unit) => {
    const entry = valuesOf(unit, unit.section, "ServiceName").at(-1);
    if (entry === undefined || /^["']?[A-Za-z0-9_][A-Za-z0-9_.:@\\%-]*["']?$/.test(entry.value)) return [];
    return [
      error(
        unit.host,
        entry.path,
        `${entry.value} is no service's name: letters, digits, _ . : @ -, not beginning with . or -`,
        entry.place,
      ),
    ];
  });
  const twice = clashes(units, (one, other) => one.user === other.user && serviceOf(one) === serviceOf(other)).map(([unit, other]) =>
    error(unit.host, unit.path, `${unit.name} becomes ${serviceOf(unit)}, as ${other.name} does; give it another name`),
  );
  return [...odd, ...twice];
}

/** All units of a user lie in one folder, and so do the files beside them. */
function files(units: LintUnit[]): Finding[] {
  const all = units.flatMap((unit) => Object.keys(unit.unit.files ?? {}).map((file) => ({ unit, file })));
  return clashes(all, (one, other) => one.unit.user === other.unit.user && one.file === other.file).map(([{ unit, file }, other]) =>
    error(unit.host, [...unit.path, "files", file], `${other.unit.name} has a file ${file} already; units of a user share a folder`),
  );
}
