import { type Event, type ResourceResult, type Run, idIn, kindNamed } from "@homelab/providers";

/** What is said of one unit, or of a host; an error fails the preview. */
export interface Finding {
  severity: "info" | "warn" | "error";
  message: string;
}

/** What a host said of a unit. */
export type Verdict =
  | { is: "holds" }
  | { is: "changes"; disruption: string; affected: string[]; diff: string }
  | { is: "refused"; reason: string }
  | { is: "unverified"; reason: string; diff?: string };

/** What the engine is going to do about a unit: something, nothing, or nothing though it was changed (`--target`). */
export type Plan = "planned" | "same" | "left out";

/** A verdict for each unit of these hosts, by id. A unit of which nothing was heard is unverified, never taken for good. */
export function verdictsOf(run: Run, hosts: Map<string, string[]>): Map<string, Verdict> {
  const results = resultsOf(run);
  return new Map(
    [...hosts].flatMap(([host, ids]) => {
      const reason = brokenOff(run, host);
      const outOfSync = run.events.find((event) => event.event === "detected" && event.host === host)?.out_of_sync;
      return ids.map((id): [string, Verdict] => {
        const result = results.get(id);
        if (result) return [id, verdictOf(result)];
        if (outOfSync && !outOfSync.includes(id.split("/")[1]!)) return [id, { is: "holds" }];
        return [id, { is: "unverified", reason }];
      });
    }),
  );
}

function resultsOf({ events }: Run): Map<string, ResourceResult> {
  const results = events.flatMap(({ event, host, kind, resources }) =>
    event === "result" ? (resources ?? []).map((one) => [idFor(host!, kind!, one.name), one] as const) : [],
  );
  return new Map(results);
}

const idFor = (host: string, kind: string, name: string): string => idIn(host, kindNamed(kind), name);

function verdictOf({ changed, failed, msg, diff, disruption, affected }: ResourceResult): Verdict {
  if (failed) return { is: "refused", reason: msg };
  if (!changed) return { is: "holds" };
  // In check mode, a text beside a change says why the host could not be asked.
  if (msg) return { is: "unverified", reason: msg, diff: diff ?? "" };
  return { is: "changes", disruption: disruption ?? "", affected: affected ?? [], diff: diff ?? "" };
}

/** Why a host said nothing of a unit: what went wrong there first. */
function brokenOff({ events, output }: Run, host: string): string {
  const first = events.find((event) => event.host === host && (event.event === "unreachable" || event.event === "failed"));
  // What ssh said comes after Ansible's own words.
  if (first?.event === "unreachable") return `${host} cannot be reached: ${first.msg?.replace(/^.*can be reached over ssh: /s, "") ?? ""}`;
  if (first) return first.msg ?? "";
  return events.some((event) => event.host === host) ? "the check ended before it" : output.trim() || `${host} was not asked`;
}

/** What of others on a host is in the way of units, by id. */
export const warningsOf = ({ events }: Run): Map<string, string[]> =>
  new Map(
    events.flatMap(({ host, warnings }) =>
      Object.entries(warnings ?? {}).flatMap(([kind, units]) =>
        Object.entries(units).map(([name, found]): [string, string[]] => [idFor(host!, kind, name), found]),
      ),
    ),
  );

/**
 * What the removal of units that left a host's configuration takes with it, and which of them the host would not let go; with
 * `homelab_prune` the role removes them. A warning, since only the engine knows whether it is to remove them.
 * `made` are the ids of units that a program makes, and no inventory declares.
 */
export const leavingOf = ({ events }: Run, host: string, made: string[] = []): Finding[] =>
  events
    .filter((event) => event.event === "result" && event.host === host)
    .flatMap((event) => {
      const left = ([name]: Leaving) => !made.includes(idFor(host, event.kind!, name));
      const lost = dataLossOf(event).filter(left);
      const kept = removalBlockersOf(event).filter(left);
      const beginning = (name: string) => `${event.kind} ${name} is declared no longer, and`;
      return [
        ...lost.map(([name]) => `data-loss: ${beginning(name)} with \`on_delete: destroy\` its removal takes its data with it`),
        ...kept.map(([name, why]) => `${beginning(name)} its removal would be refused: ${why}`),
      ];
    })
    .map((message) => ({ severity: "warn", message }));

/** A unit that left, and what there is to say of it. */
type Leaving = [name: string, why: string];

/** Which units' data would go with them, or goes. */
const dataLossOf = ({ data_loss, removed }: Event): Leaving[] => [
  ...(data_loss ?? []).map((name): Leaving => [name, ""]),
  ...(removed ?? []).filter(({ disruption }) => disruption === "data-loss").map(({ name }): Leaving => [name, ""]),
];

/** Which units the host would not let go, or does not. */
const removalBlockersOf = ({ removal_blockers, removed }: Event): Leaving[] => [
  ...Object.entries(removal_blockers ?? {}),
  ...(removed ?? []).filter(({ failed }) => failed).map(({ name, msg }): Leaving => [name, msg]),
];

/** What is said of a unit on its resource; undefined when there is nothing to say. A host that is away says it itself. */
export function findingOf(verdict: Verdict, plan: Plan): Finding | undefined {
  switch (verdict.is) {
    case "holds":
      return plan === "planned" ? { severity: "info", message: "verified: the host holds it already" } : undefined;
    case "changes":
      return changeOf(verdict, plan);
    case "refused":
      if (plan === "planned") return { severity: "error", message: `the host refuses it: ${verdict.reason}` };
      if (plan === "left out") return { severity: "info", message: `not in this plan, and the host would refuse it: ${verdict.reason}` };
      return { severity: "warn", message: `drift, not in this plan, and its repair would be refused: ${verdict.reason}` };
    case "unverified":
      return unverified(verdict, plan);
  }
}

/** A host that was heard of a unit, and could not be asked whether it takes it, may have told of drift. */
function unverified({ reason, diff }: Verdict & { is: "unverified" }, plan: Plan): Finding | undefined {
  if (plan === "planned") return { severity: "info", message: `unverified: ${reason}` };
  return plan === "same" && diff ? { severity: "warn", message: `drift, not in this plan; ${reason}\n${diff}` } : undefined;
}

function changeOf({ disruption, affected, diff }: Verdict & { is: "changes" }, plan: Plan): Finding {
  const what = [disruption, affected.length > 0 ? `affects ${affected.join(", ")}` : ""].filter(Boolean).join("; ");
  const lines = [what, diff].filter(Boolean).join("\n");
  if (plan === "left out") return { severity: "info", message: `not in this plan: ${lines}` };
  if (plan === "same") return { severity: "warn", message: `drift, not in this plan; "pulumi up --refresh" repairs it: ${lines}` };
  const disturbs = !["", "live"].includes(disruption);
  return { severity: disturbs ? "warn" : "info", message: `verified on the host: ${lines}` };
}

/** Whether a host said nothing at all; of a unit that it looked at there is a difference, even if it could not try it. */
export const isUnasked = (verdicts: Verdict[]): boolean =>
  verdicts.length > 0 && verdicts.every((one) => one.is === "unverified" && one.diff === undefined);

/** One line for a host: how many of its units are what. */
export function summaryOf(host: string, verdicts: Verdict[]): Finding {
  const count = (is: Verdict["is"]) => verdicts.filter((one) => one.is === is).length;
  const words = { holds: "hold", changes: "change", refused: "refused", unverified: "unverified" } as const;
  const counted = Object.entries(words).flatMap(([is, word]) =>
    count(is as Verdict["is"]) > 0 ? [`${count(is as Verdict["is"])} ${word}`] : [],
  );
  const reasons = new Set(verdicts.flatMap((one) => (one.is === "unverified" ? [one.reason] : [])));
  const none = verdicts.length > 0 && count("unverified") === verdicts.length;
  const message = none
    ? `${host} is not verified: ${[...reasons].join("; ")}`
    : `${host} is verified: ${counted.join(", ") || "nothing to ask"}`;
  return { severity: none ? "warn" : "info", message };
}
