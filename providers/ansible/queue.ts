import { appendFileSync } from "node:fs";
import { Batch, Batches } from "../batch";
import { NoAnswer, UserError } from "../errors";
import { valueOf } from "../podman-secret/handed";
import { isRetired } from "./retired";
import { type Request, type Run, type UnitResult, runPlaybook } from "./run";

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
const queues = new Batches<Call, UnitResult>(() => new Batch(runCalls));

const queueOf = ({ inventory, host, owner }: Where): Batch<Call, UnitResult> =>
  queues.for(JSON.stringify([inventory, host, owner]));

/** Makes the host hold a unit. Throws when nobody can say what became of it. */
export function apply(where: Where, name: string): Promise<UnitResult> {
  return queueOf(where).add({ where, name, remove: false });
}

/** Removes a unit from its host. Throws when it is not removed for certain, but for a host that is gone for good. */
export async function remove(where: Where, name: string): Promise<void> {
  if (isRetired(where.inventory, where.host)) return;
  const result = await queueOf(where).add({ where, name, remove: true });
  if (result.failed) throw new UserError(`${where.host}: ${where.kind} ${name} was not removed: ${result.msg}`);
}

async function runCalls(calls: Call[]): Promise<(UnitResult | Error)[]> {
  const { inventory, host } = calls[0]!.where;
  const run = await runPlaybook(inventory, host, requestOf(calls));
  count(host, calls.length);
  return calls.map((call) => resultOf(call, run));
}

/** The request that a set of calls makes. */
export function requestOf(calls: Call[]): Request {
  const request: Request = { owner: calls[0]!.where.owner, units: {}, absent: {}, values: {} };
  for (const { where, name, remove: gone } of calls) {
    if (gone) (request.absent[where.kind] ??= []).push(name);
    else (request.units[where.kind] ??= []).push(where.unit);
    const value = valueOf(where.unit);
    if (value !== undefined) request.values[name] = value;
  }
  return request;
}

/** A change of these is taken back by the host when nobody can log in after it. */
const CUTS_OFF = ["nftables-table", "bridge", "vlan"];
/** Tasks of role confirm: the change is gone, or what was told of it holds. Where another one fails, nobody can say. */
const TAKEN_BACK = "confirm : Say that the change was taken back";
const CONFIRMED = "confirm : Say that the connection broke, though the host can be reached";

/** What a run said of one call, or why it said nothing. */
export function resultOf({ where, name, remove: gone }: Call, run: Run): UnitResult | Error {
  const said = run.events.filter((event) => event.event === "result" && event.kind === where.kind);
  const result = said.flatMap((event) => (gone ? event.removed : event.units) ?? []).find((one) => one.name === name);
  const confirm = run.events.find(({ event, task }) => event === "failed" && task?.startsWith("confirm :"));
  const ended = CUTS_OFF.includes(where.kind) ? confirm?.task : undefined;
  if (result && ended === TAKEN_BACK) return { ...result, failed: true, changed: false, msg: confirm?.msg ?? "" };
  if (result && (ended === undefined || ended === CONFIRMED || !result.changed)) return result;
  const broken = confirm ? [confirm] : run.events.filter(({ event }) => event === "failed" || event === "unreachable");
  const reason = broken.map((event) => `${event.event}: ${event.task}: ${event.msg}`).join("\n") || run.output.trim();
  const hint = gone ? `\nIf ${where.host} is gone for good, name it in retired_hosts of group_vars/all.yml.` : "";
  const role = where.kind.replaceAll("-", "_");
  const refused = broken.some((event) => event.refused);
  const begun = !refused && ended !== TAKEN_BACK && run.events.some((event) => event.event === "task" && event.task?.startsWith(`${role} : Apply`));
  return new NoAnswer(`${where.host}: ${where.kind} ${name}: Ansible did not reach it.\n${reason}${hint}`, begun);
}

/** For tests of costs: one line per run in the file that HOMELAB_RUNS_LOG names. */
function count(host: string, calls: number): void {
  const log = process.env["HOMELAB_RUNS_LOG"];
  if (log) appendFileSync(log, `${JSON.stringify({ host, calls })}\n`);
}
