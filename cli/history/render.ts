import { counted, table } from "../table";

/** What an apply left in a host's journal (ansible/module_utils/homelab/observe/history.py). */
interface Line {
  /** In seconds since 1970. */
  time: number;
  operator: string;
  route: string;
  commit: string;
  outcome: string;
  /** The ids of resources, and those of them that were removed; one of `<host>/<kind>/*` is any of its kind. */
  changed: string[];
  removed: string[];
  /** How many more there were, empty for none. */
  omitted: string;
}

export interface History {
  lines: Line[];
  /** How many lines are read at most. */
  most: number;
}

const HEADING = ["when (UTC)", "who", "route", "commit", "result", "what"];
const KEPT = "Lines are kept as long as the host keeps its journal, journald.conf(5).";

/** The lines as a table, in the order of time, and how many did not go well. */
export function render(host: string, { lines, most }: History, since: string): string {
  if (lines.length === 0) return `${host} has no line of an apply${since ? ` since ${since}` : ""} in its journal.\n${KEPT}`;
  const rows = lines.map((line) => [
    new Date(line.time * 1000).toISOString().slice(0, 19).replace("T", " "),
    line.operator,
    line.route,
    line.commit || "-",
    line.outcome,
    whatOf(host, line),
  ]);
  const count = (outcome: string): number => lines.filter((line) => line.outcome === outcome).length;
  return [
    host,
    ...table([HEADING, ...rows]),
    lines.length < most
      ? `${lines.length} in all`
      : `the last ${most}; on ${host}, \`journalctl _UID=0 _TRANSPORT=journal SYSLOG_IDENTIFIER=homelab\` has all`,
    ...counted([
      [count("failed"), "failed: some of it may have been applied"],
      [count("rolled back"), "rolled back: the network, rules and kernel parameters are as before"],
    ]),
  ].join("\n");
}

/** The resources without the host's name, as Pulumi has them behind it. */
function whatOf(host: string, { changed, removed, omitted }: Line): string {
  const names = changed.map((id) => {
    const name = id.startsWith(`${host}/`) ? id.slice(host.length + 1) : id;
    return removed.includes(id) ? `${name} (removed)` : name;
  });
  return [...names, ...(omitted ? [`and ${omitted} more`] : [])].join(", ");
}
