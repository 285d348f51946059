import { counted, table } from "../table";
import { type Line, type Side } from "./compare";

const HEADING = ["", "configuration", "state", "host", "moved"];

/** A host's units as a table, each difference of the host under its unit. */
export function render(host: string, lines: Line[]): string {
  const cells = lines.map(({ id, configuration, state, host: seen, moved }) => [
    id.slice(host.length + 1),
    configuration,
    state,
    seen,
    moved.join(", ") || "-",
  ]);
  const [heading, ...rows] = table([HEADING, ...cells]);
  // Why a host cannot be read is the same for all its units.
  const isNew = ({ detail, isRead }: Line, index: number): boolean =>
    detail !== "" && (isRead || lines.findIndex((line) => line.detail === detail) === index);
  const details = lines.map((line, index) => (isNew(line, index) ? line.detail.split("\n").map((text) => `      ${text}`) : []));
  return [host, heading!, ...rows.flatMap((row, index) => [row, ...details[index]!])].join("\n");
}

/** How many units moved, on which side, and what makes it good. */
export function summary(lines: Line[]): string {
  const moved = (side: Side): number => lines.filter((line) => line.moved.includes(side)).length;
  const counts: [number, string][] = [
    [lines.filter((line) => line.isRead && line.moved.length === 0).length, "in sync"],
    [moved("configuration"), "with another configuration: `npx pulumi up` applies it"],
    [moved("host"), "changed on the host: `npx pulumi up --refresh` repairs it"],
    [moved("state"), "as declared on the host, but not in the state: `npx pulumi up` takes note of it"],
    [lines.filter((line) => !line.isRead).length, "not read"],
  ];
  return [`${lines.length} units`, ...counted(counts)].join("\n");
}
