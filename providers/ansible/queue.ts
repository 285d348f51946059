import { appendFileSync } from "node:fs";
import { Batch, Batches } from "../batch";
import { NoAnswer, UserError } from "../errors";
import { kindNamed, roleOf } from "../kinds";
import { isRetired } from "./retired";
import { type Event, type Request, type Run, type ResourceResult, runPlaybook } from "./run";

interface Where {
  kind: string;
  host: string;
  inventory: string;
  owner: string;
  unit: object;
}

interface Call {
  where: Where;
  name: string;
  remove: boolean;
}

/** Calls for one host that arrive together become one run of Ansible. */
const queues = new Batches<Call, ResourceResult>(() => new Batch(runCalls));

const queueOf = ({ inventory, host, owner }: Where): Batch<Call, ResourceResult> =>
  queues.for(JSON.stringify([inventory, host, owner]));

/** Brings a resource in sync. Throws when its outcome is unknown. */
export function apply(where: Where, name: string): Promise<ResourceResult> {
  return queueOf(where).add({ where, name, remove: false });
}

/** Removes a resource from its host. Throws unless its removal is certain; a retired host needs none. */
export async function remove(where: Where, name: string): Promise<void> {
  if (isRetired(where.inventory, where.host)) return;
  const result = await queueOf(where).add({ where, name, remove: true });
  if (result.failed) throw new UserError(`${where.host}: ${where.kind} ${name} was not removed: ${result.msg}`);
}

async function runCalls(calls: Call[]): Promise<(ResourceResult | Error)[]> {
  const { inventory, host } = calls[0]!.where;
  const run = await runPlaybook(inventory, host, requestOf(calls));
  count(host, calls.length);
  return calls.map((call) => resultOf(call, run));
}

/** The request that a set of calls makes. */
export function requestOf(calls: Call[]): Request {
  const request: Request = { owner: calls[0]!.where.owner, resources: {}, absent: {}, values: {} };
  for (const { where, name, remove: gone } of calls) {
    if (gone) (request.absent[where.kind] ??= []).push(name);
    else (request.resources[where.kind] ??= []).push(where.unit);
    const value = kindNamed(where.kind).secretValueOf?.(where.unit);
    if (value !== undefined) request.values[name] = value;
  }
  return request;
}

const CONFIRMATION = ["confirm", "rolled_back", "connection_lost"];
const failsConfirmation = ({ event, step }: Event): boolean => event === "failed" && CONFIRMATION.includes(step ?? "");

/** A run's report of one call, or why there is none. */
export function resultOf(call: Call, run: Run): ResourceResult | Error {
  const { where, name, remove: isRemoval } = call;
  const reportedIn = ({ event, kind, removed, resources }: Event): ResourceResult | undefined =>
    event === "result" && kind === where.kind ? (isRemoval ? removed : resources)?.find((one) => one.name === name) : undefined;
  const index = run.events.findIndex(reportedIn);
  if (index < 0) return noAnswer(call, run, "Ansible returned no result for it.", hasBegun(where.kind, run));
  const result = reportedIn(run.events[index]!)!;
  if (!kindNamed(where.kind).mayDisconnect) return result;
  const end = run.events.slice(index + 1).find((event) => event.event === "confirmed" || failsConfirmation(event));
  if (end?.step === "rolled_back") return { ...result, failed: true, changed: false, msg: end.msg ?? "" };
  const isConfirmed = end ? end.event === "confirmed" : !isArmed(run.events.slice(0, index + 1));
  if (isConfirmed || !result.changed) return result;
  return noAnswer(call, run, "It was changed, and no new SSH login confirmed the change, so the host rolls it back.", true);
}

/** Whether the host rolls back what was changed up to here, unless a confirmation follows. */
function isArmed(events: Event[]): boolean {
  const last = events.findLastIndex(({ event }) => event === "confirmed");
  return events.slice(last + 1).some(({ armed }) => armed);
}

/** The events of what went wrong in a run: its confirmation, else all that failed. */
function failuresOf({ events }: Run): Event[] {
  const confirm = events.find(failsConfirmation);
  return confirm ? [confirm] : events.filter(({ event }) => event === "failed" || event === "unreachable");
}

/** Whether a run without a result may have changed resources of a kind. */
function hasBegun(kind: string, run: Run): boolean {
  const failures = failuresOf(run);
  const isRolledBack = kindNamed(kind).mayDisconnect && failures.some(({ step }) => step === "rolled_back");
  if (isRolledBack || failures.some(({ rejected }) => rejected)) return false;
  return run.events.some(({ event, step, role }) => event === "task" && step === "apply" && role === roleOf(kind));
}

function noAnswer({ where, name, remove: isRemoval }: Call, run: Run, what: string, begun: boolean): NoAnswer {
  const reason = failuresOf(run).map((event) => `${event.event}: ${event.task}: ${event.msg}`).join("\n") || run.output.trim();
  const hint = isRemoval ? `\nIf ${where.host} is gone for good, name it in retired_hosts of group_vars/all.yml.` : "";
  return new NoAnswer(`${where.host}: ${where.kind} ${name}: ${what}\n${reason}${hint}`, begun);
}

/** For tests of costs: one line per run in the file that HOMELAB_RUNS_LOG names. */
function count(host: string, calls: number): void {
  const log = process.env["HOMELAB_RUNS_LOG"];
  if (log) appendFileSync(log, `${JSON.stringify({ host, calls })}\n`);
}
