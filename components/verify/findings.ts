import { type Event, type ResourceResult, type Run, idIn, kindNamed } from "@homelab/providers";

/** A message about one resource, or about a host; an error fails the preview. */
export interface Finding {
  severity: "info" | "warn" | "error";
  message: string;
}

/** A host's verdict on a resource. */
export type Verdict =
  | { is: "in sync" }
  | { is: "changes"; disruption: string; affected: string[]; diff: string }
  | { is: "rejected"; reason: string }
  | { is: "unverified"; reason: string; diff?: string };

/** The engine's plan for a resource: a change, none, or none though it was changed (`--target`). */
export type Plan = "planned" | "same" | "left out";

/** A verdict for each resource of these hosts, by id. A resource without a result is unverified, never assumed to be in sync. */
export function verdictsOf(run: Run, hosts: Map<string, string[]>): Map<string, Verdict> {
  const results = resultsOf(run);
  return new Map(
    [...hosts].flatMap(([host, ids]) => {
      const reason = brokenOff(run, host);
      const outOfSync = run.events.find((event) => event.event === "detected" && event.host === host)?.out_of_sync;
      return ids.map((id): [string, Verdict] => {
        const result = results.get(id);
        if (result) return [id, verdictOf(result)];
        if (outOfSync && !outOfSync.includes(id.split("/")[1]!)) return [id, { is: "in sync" }];
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
  if (failed) return { is: "rejected", reason: msg };
  if (!changed) return { is: "in sync" };
  // In check mode, a text beside a change is the reason why the host could not be asked.
  if (msg) return { is: "unverified", reason: msg, diff: diff ?? "" };
  return { is: "changes", disruption: disruption ?? "", affected: affected ?? [], diff: diff ?? "" };
}

/** Why a host returned nothing for a resource: what went wrong there first. */
function brokenOff({ events, output }: Run, host: string): string {
  const first = events.find((event) => event.host === host && (event.event === "unreachable" || event.event === "failed"));
  // The output of ssh follows Ansible's own words.
  if (first?.event === "unreachable") return `${host} cannot be reached: ${first.msg?.replace(/^.*can be reached over ssh: /s, "") ?? ""}`;
  if (first) return first.msg ?? "";
  return events.some((event) => event.host === host) ? "the check ended before it" : output.trim() || `${host} was not asked`;
}

/** Warnings about resources, by id. */
export const warningsOf = ({ events }: Run): Map<string, string[]> =>
  new Map(
    events.flatMap(({ host, warnings }) =>
      Object.entries(warnings ?? {}).flatMap(([kind, units]) =>
        Object.entries(units).map(([name, found]): [string, string[]] => [idFor(host!, kind, name), found]),
      ),
    ),
  );

/**
 * Warnings about resources that left a host's configuration: lost data, and blocked removals. Only the engine knows whether it
 * is to remove them; with `homelab_prune`, the role does. `made` are the ids of resources that a program creates itself.
 */
export const leavingOf = ({ events }: Run, host: string, made: string[] = []): Finding[] =>
  events
    .filter((event) => event.event === "result" && event.host === host)
    .flatMap((event) => {
      const left = ([name]: Leaving) => !made.includes(idFor(host, event.kind!, name));
      const lost = dataLossOf(event).filter(left);
      const kept = removalBlockersOf(event).filter(left);
      const kindAndName = (name: string) => `${event.kind} ${name}`;
      return [
        ...lost.map(
          ([name]) => `data-loss: ${kindAndName(name)} is no longer declared. Removing it deletes its data (\`on_delete: destroy\`).`,
        ),
        ...kept.map(([name, why]) => `${kindAndName(name)} is no longer declared, and its removal is blocked: ${why}`),
      ];
    })
    .map((message) => ({ severity: "warn", message }));

/** A host of which so few resources go is looked through at once. */
const LEAST = 4;

/** An error where more than half of the owner's resources on a host left the configuration: one that was cut short looks the same. */
export function massRemovalOf({ events }: Run, host: string, declared: number, made: string[] = []): Finding | undefined {
  const left = events
    .filter((event) => event.event === "result" && event.host === host)
    .flatMap(({ kind, undeclared }) => (undeclared ?? []).map((name) => idFor(host, kind!, name)))
    .filter((id) => !made.includes(id));
  if (left.length < LEAST || left.length <= declared) return undefined;
  const message =
    `${left.length} of the ${left.length + declared} resources on ${host} are no longer declared. Is the configuration whole? ` +
    "If they are to go, set `homelab_prune: confirm` in group_vars/all.yml, or name some with --target and --skip-preview.";
  return { severity: "error", message };
}

/** A resource to remove, with a reason. */
type Leaving = [name: string, why: string];

/** The resources whose data is lost with them. */
const dataLossOf = ({ data_loss, removed }: Event): Leaving[] => [
  ...(data_loss ?? []).map((name): Leaving => [name, ""]),
  ...(removed ?? []).filter(({ disruption }) => disruption === "data-loss").map(({ name }): Leaving => [name, ""]),
];

/** The resources that the host would not remove, with the reason. */
const removalBlockersOf = ({ removal_blockers, removed }: Event): Leaving[] => [
  ...Object.entries(removal_blockers ?? {}),
  ...(removed ?? []).filter(({ failed }) => failed).map(({ name, msg }): Leaving => [name, msg]),
];

/** The message on a resource; undefined where there is none. An unreachable host has a message of its own. */
export function findingOf(verdict: Verdict, plan: Plan): Finding | undefined {
  switch (verdict.is) {
    case "in sync":
      return plan === "planned" ? { severity: "info", message: "verified: the host is in sync already" } : undefined;
    case "changes":
      return changeOf(verdict, plan);
    case "rejected":
      if (plan === "planned") return { severity: "error", message: `rejected by the host: ${verdict.reason}` };
      if (plan === "left out") return { severity: "info", message: `not in this plan, and the host would reject it: ${verdict.reason}` };
      return { severity: "warn", message: `drift outside this plan that cannot be repaired: ${verdict.reason}` };
    case "unverified":
      return unverified(verdict, plan);
  }
}

/** Drift may be known of a resource of which the host could not be asked whether it accepts it. */
function unverified({ reason, diff }: Verdict & { is: "unverified" }, plan: Plan): Finding | undefined {
  if (plan === "planned") return { severity: "info", message: `unverified: ${reason}` };
  return plan === "same" && diff ? { severity: "warn", message: `drift outside this plan; ${reason}\n${diff}` } : undefined;
}

function changeOf({ disruption, affected, diff }: Verdict & { is: "changes" }, plan: Plan): Finding {
  const what = [disruption, affected.length > 0 ? `affects ${affected.join(", ")}` : ""].filter(Boolean).join("; ");
  const lines = [what, diff].filter(Boolean).join("\n");
  if (plan === "left out") return { severity: "info", message: `not in this plan: ${lines}` };
  if (plan === "same") return { severity: "warn", message: `drift outside this plan; "pulumi up --refresh" repairs it: ${lines}` };
  const disturbs = !["", "live"].includes(disruption);
  return { severity: disturbs ? "warn" : "info", message: `verified on the host: ${lines}` };
}

/** Whether a host returned nothing at all; a resource that it read has a difference, even if it could not try it. */
export const isUnasked = (verdicts: Verdict[]): boolean =>
  verdicts.length > 0 && verdicts.every((one) => one.is === "unverified" && one.diff === undefined);

/** Returns a line for a host: the number of its resources by verdict. */
export function summaryOf(host: string, verdicts: Verdict[]): Finding {
  const count = (is: Verdict["is"]) => verdicts.filter((one) => one.is === is).length;
  const words = { "in sync": "in sync", changes: "to change", rejected: "rejected", unverified: "unverified" } as const;
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
