import * as pulumi from "@pulumi/pulumi";
import { isDeepStrictEqual } from "node:util";
import { apply, remove } from "./ansible/queue";
import { NoAnswer, PartialChange, UserError } from "./errors";
import { type KindName, completed, idIn, kindNamed, withPresentKeys } from "./kinds";
import { described, messageOf, valueAt } from "./messages";
import { observe } from "./ssh/observe";

/**
 * The inputs of every resource. `unit` is its configuration, `inventory` a folder relative to the Pulumi project. Of a host that
 * was renamed, `renamedFrom` is the former name; it is no part of the state.
 */
export interface Inputs {
  kind: KindName;
  host: string;
  inventory: string;
  owner: string;
  unit: Record<string, unknown>;
  renamedFrom?: string;
}

/** The state of a resource: the inputs, `drift` as lines of text (none while in sync), and the host's `facts`. */
export interface Outputs extends Inputs {
  drift: string[];
  facts: Record<string, unknown>;
}

/** A resource's id, the same on every run. */
export const idOf = (inputs: Pick<Inputs, "kind" | "host" | "unit">): string => idIn(inputs.host, kindNamed(inputs.kind), nameIn(inputs));

const nameIn = ({ kind, unit }: Pick<Inputs, "kind" | "unit">): string => kindNamed(kind).nameOf(unit);

function inputsOf(props: Inputs): Inputs {
  const { kind, host, inventory, owner, unit } = props;
  return { kind, host, inventory, owner, unit };
}

function holdsUnknown(value: unknown): boolean {
  if (value === pulumi.runtime.unknownValue) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsUnknown);
}

/** Validates and completes a configuration. No I/O: the engine calls check one after another. */
async function check(_olds: unknown, news: Inputs & { value?: string }): Promise<pulumi.dynamic.CheckResult> {
  const kind = kindNamed(news.kind);
  kind.storeValue?.(news);
  const renamed = news.renamedFrom === undefined ? {} : { renamedFrom: news.renamedFrom };
  const inputs = { ...inputsOf(news), ...renamed };
  if (holdsUnknown(inputs.unit)) return { inputs };
  const files = kind.filesOf?.(inputs.unit) ?? [];
  if (files.length > 0) {
    const reason = "only an inventory can name a file; give its text instead";
    return { inputs, failures: files.map((property) => ({ property: `unit.${property}`, reason })) };
  }
  const parsed = kind.schema.safeParse(withPresentKeys(kind.renamed ?? {}, inputs.unit).value, { error: messageOf });
  if (parsed.success) return { inputs: { ...inputs, unit: parsed.data as Inputs["unit"] } };
  const failures = parsed.error.issues.map((issue) => ({
    property: ["unit", ...issue.path.map(String)].join("."),
    reason: described(issue, valueAt(inputs.unit, issue.path)),
  }));
  return { inputs, failures };
}

/** Compares with the last apply, and with the host where a refresh found drift. */
async function diff(_id: string, olds: Outputs, news: Inputs): Promise<pulumi.dynamic.DiffResult> {
  const before = inputsOf({ ...olds, unit: completed(olds.kind, olds.unit) as Inputs["unit"] });
  // A declared rename, of a resource or of its host, is a change in place; state has the new id after the next refresh.
  const former = kindNamed(news.kind).formerNameOf?.(news.unit);
  const renamed = former !== undefined && former === nameIn(before);
  const present = { ...news, host: news.renamedFrom === before.host ? before.host : news.host };
  const moved = !holdsUnknown([news.host, news.unit]) && idOf(present) !== idOf(before) && !renamed;
  const changes = moved || (olds.drift ?? []).length > 0 || !isDeepStrictEqual(before, inputsOf(news));
  return { changes, replaces: moved ? ["unit"] : [], deleteBeforeReplace: moved };
}

/** Pulumi shows a list line by line, but a long text as one line full of escapes. */
const linesOf = (text: string | undefined): string[] => (text ? text.split("\n") : []);

/**
 * Applies a configuration. An error after a change, or where the outcome is unknown, carries all that state needs, the
 * shim too; an error before any change leaves state as it was.
 */
async function write(id: string, props: Inputs & { __provider?: string }): Promise<Outputs> {
  const inputs = inputsOf(props);
  const partial = (reason: string, drift: string | undefined, facts: object): PartialChange =>
    new PartialChange(id, { ...inputs, drift: linesOf(drift || "its last apply failed"), facts, __provider: props.__provider }, reason);
  const result = await apply(inputs, nameIn(inputs)).catch((error: unknown) => {
    throw error instanceof NoAnswer && error.begun ? partial(error.message, "its last apply gave no answer", {}) : error;
  });
  if (!result.failed) return { ...inputs, drift: [], facts: result.facts };
  if (result.changed && result.present) throw partial(result.msg, result.differences, result.facts);
  throw new UserError(`${idOf(inputs)}: ${result.msg}`);
}

async function create(props: Inputs): Promise<pulumi.dynamic.CreateResult> {
  const id = idOf(props);
  return { id, outs: await write(id, props) };
}

async function update(id: string, _olds: Outputs, news: Inputs): Promise<pulumi.dynamic.UpdateResult> {
  return { outs: await write(id, news) };
}

/** Only the host itself reports a resource absent; an unreachable host is an error. */
async function read(_id: string, props: Outputs): Promise<pulumi.dynamic.ReadResult> {
  const seen = await observe(inputsOf(props));
  if (!seen.present) return { id: "", props: {} };
  return { id: idOf(props), props: { ...inputsOf(props), drift: linesOf(seen.differences), facts: seen.facts } };
}

async function destroy(_id: string, props: Outputs): Promise<void> {
  await remove(inputsOf(props), nameIn(props));
}

export const lifecycle = { check, diff, create, read, update, delete: destroy };
