import { type Finding, type LintHost, clashes, error, warning } from "./finding";
import { isPublishPort, portIn } from "../../../providers/quadlet-unit/file";
import { type Entry, type LintUnit, conflicts, unitsOf, valuesOf } from "./unit-file";

/** A range of ports that a unit publishes. `first` and `last` are ports; `ip` is empty for all addresses of both families. */
interface Port {
  of: LintUnit;
  entry: Entry;
  ip: string;
  first: number;
  last: number;
  protocol: string;
}

/** Units that run at the same time publish different ports of their host; those of all users share them. */
export const ports = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => {
    const published = unitsOf(host).flatMap((unit) => valuesOf(unit, unit.section, "PublishPort").map((entry) => ({ unit, entry })));
    const odd = published.filter(({ entry }) => !isPublishPort(entry.value) && !/[%$]/.test(entry.value));
    const taken = published.flatMap(({ unit, entry }) => (unit.unit.running === false ? [] : portOf(unit, entry)));
    return [
      ...odd.map(({ entry }) =>
        warning(host, entry.path, `${entry.value} is not [[ip:][hostPort]:]containerPort[/protocol], podman-run(1)`, entry.place),
      ),
      ...clashes(taken, (one, other) => clash(one, other) && !conflicts(one.of, other.of)).map(([port, other]) => {
        // A unit that stands in its own way alone never starts, and is found at once; it may be meant for other families of addresses.
        const [say, whose] = port.of === other.of ? [warning, "this unit"] : [error, `${other.of.user}/${other.of.name}`];
        const message = `${port.of.name} publishes ${port.entry.value}, and ${whose} has that port of the host already (${other.entry.value})`;
        return say(host, port.entry.path, message, port.entry.place);
      }),
    ];
  });

/** The port that a value takes, if it names one; else Podman takes any that is free. */
function portOf(of: LintUnit, entry: Entry): Port[] {
  const port = portIn(entry.value);
  if (port === undefined) return [];
  const [first, last = first] = port.host.split("-").map(Number);
  return [{ of, entry, ip: port.ip, first: first!, last: last!, protocol: port.protocol }];
}

function clash(one: Port, other: Port): boolean {
  if (one.protocol !== other.protocol || one.first > other.last || other.first > one.last) return false;
  const isV6 = (ip: string): boolean => ip.startsWith("[");
  const covers = (wide: string, ip: string): boolean =>
    wide === "" || wide === ip || (wide === "0.0.0.0" && !isV6(ip)) || (wide === "[::]" && isV6(ip));
  return covers(one.ip, other.ip) || covers(other.ip, one.ip);
}
