import { appendFileSync } from "node:fs";
import { Batch, Batches } from "../batch";
import { NoAnswer, UserError } from "../errors";
import { kindNamed, roleOf } from "../kinds";
import { isRetired } from "./retired";
import { type Request, type Run, type ResourceResult, runPlaybook } from "./run";

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

/** A run's report of one call, or why there is none. */
export function resultOf({ where, name, remove: isRemoval }: Call, run: Run): ResourceResult | Error {
  const reported = run.events.filter((event) => event.event === "result" && event.kind === where.kind);
  const result = reported.flatMap((event) => (isRemoval ? event.removed : event.resources) ?? []).find((one) => one.name === name);
  const confirm = run.events.find(({ event, step }) => event === "failed" && CONFIRMATION.includes(step ?? ""));
  const ended = kindNamed(where.kind).mayDisconnect ? confirm?.step : undefined;
  if (result && ended === "rolled_back") return { ...result, failed: true, changed: false, msg: confirm?.msg ?? "" };
  // After a lost connection the change stands; where another task of the confirmation failed, the outcome is unknown.
  if (result && (ended === undefined || ended === "connection_lost" || !result.changed)) return result;
  const broken = confirm ? [confirm] : run.events.filter(({ event }) => event === "failed" || event === "unreachable");
  const reason = broken.map((event) => `${event.event}: ${event.task}: ${event.msg}`).join("\n") || run.output.trim();
  const hint = isRemoval ? `\nIf ${where.host} is gone for good, name it in retired_hosts of group_vars/all.yml.` : "";
  const rejected = broken.some((event) => event.rejected);
  const role = roleOf(where.kind);
  const started = run.events.some((event) => event.event === "task" && event.step === "apply" && event.role === role);
  const begun = !rejected && ended !== "rolled_back" && started;
  return new NoAnswer(`${where.host}: ${where.kind} ${name}: Ansible returned no result for it.\n${reason}${hint}`, begun);
}

/** For tests of costs: one line per run in the file that HOMELAB_RUNS_LOG names. */
function count(host: string, calls: number): void {
  const log = process.env["HOMELAB_RUNS_LOG"];
  if (log) appendFileSync(log, `${JSON.stringify({ host, calls })}\n`);
}
