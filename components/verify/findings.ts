import { type Run, type UnitResult } from "@homelab/providers";

/** What is said of one unit, or of a host: an error is a refusal, and fails the preview. */
export interface Finding {
  severity: "info" | "warn" | "error";
  message: string;
}

/** What a check said of each unit that differs, by the unit's id. A unit that holds has no entry. */
export function resultsOf({ events }: Run): Map<string, UnitResult> {
  const results = events.flatMap(({ event, host, kind, units }) =>
    event === "result" ? (units ?? []).map((unit) => [idFor(host!, kind!, unit.name), unit] as const) : [],
  );
  return new Map(results.filter(([, { changed, failed }]) => changed || failed));
}

/** The id of a resource, `<host>/<kind>/<name>`; a host's base has no name of its own. */
const idFor = (host: string, kind: string, name: string): string => (kind === "host" ? `${host}/host` : `${host}/${kind}/${name}`);

/** What is said of a unit. `isPlanned`: whether the engine is going to do something about it; `touched`: what else that reaches. */
export function findingOf({ failed, msg, diff, disruption }: UnitResult, isPlanned: boolean, touched: string[]): Finding {
  if (failed) return { severity: "error", message: `the host refuses it: ${msg}` };
  // In check mode, a text beside a change says why the host could not be asked.
  if (msg) return { severity: "info", message: `unverified: ${msg}` };
  const what = [disruption ?? "", touched.length > 0 ? `touches ${touched.join(", ")}` : ""].filter(Boolean).join("; ");
  const lines = [what, diff ?? ""].filter(Boolean).join("\n");
  if (isPlanned) return { severity: "info", message: `verified on the host: ${lines}` };
  return { severity: "warn", message: `drift, not in this plan; "pulumi up --refresh" repairs it: ${lines}` };
}

/** Why a host could not be asked, for those of these hosts of which a check said nothing whole. */
export function unaskedOf({ code, events, output }: Run, hosts: string[]): Map<string, string> {
  const broken = events.filter(({ event }) => event === "unreachable" || event === "failed");
  // A unit's refusal is told with the unit.
  const real = broken.filter(({ event, task }) => event === "unreachable" || !task?.endsWith("Fail when a unit does not hold"));
  const reasons = real.map(({ host, task, msg }) => [host!, `${task ?? ""}: ${msg ?? ""}`] as const);
  if (code === null || (code !== 0 && events.length === 0)) return new Map(hosts.map((host) => [host, output.trim()]));
  return new Map(reasons);
}
