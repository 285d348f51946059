import { type Finding, type LintHost, clashes, error, warning } from "./finding";
import { type LintUnit, unitsOf, valuesOf } from "./unit-file";

/** Quadlet units: their user is there, and none stands in another's way. */
export const quadlet = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => {
    const units = unitsOf(host);
    return [...units.flatMap(userOf), ...services(units), ...files(units)];
  });

function userOf({ host, unit, path, name }: LintUnit): Finding[] {
  const { user } = unit;
  if (user === undefined || host.vars.service_users.some((one) => one.name === user)) return [];
  const message = `${name} is run by ${user}, who is not in service_users of host ${host.name}; that user must be there, with systemd running`;
  return [warning(host, [...path, "user"], message)];
}

const SUFFIX: Record<string, string> = { Container: "", Kube: "" };

/** The service that the generator makes of a unit; ServiceName= overrides. */
function serviceOf(unit: LintUnit): string {
  const name = unit.name.slice(0, unit.name.lastIndexOf("."));
  // A template runs as its default instance, if it has one.
  const instance = name.endsWith("@") ? (valuesOf(unit, "Install", "DefaultInstance").at(-1)?.value ?? "") : "";
  const named = valuesOf(unit, unit.section, "ServiceName")
    .at(-1)
    ?.value.replace(/^["']|["']$/g, "");
  return `${named ?? name + (SUFFIX[unit.section] ?? `-${unit.section.toLowerCase()}`) + instance}.service`;
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
