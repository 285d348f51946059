import * as pulumi from "@pulumi/pulumi";
import { isDeepStrictEqual } from "node:util";
import { apply, remove } from "./ansible/queue";
import { NoAnswer, PartialChange, UserError } from "./errors";
import { type KindName, completed, kindNamed } from "./kinds";
import { messageOf } from "./messages";
import { takeValue } from "./podman-secret/handed";
import { observe } from "./ssh/observe";

/** What every resource of ours is given. `inventory` is a folder, relative to the Pulumi project. */
export interface Inputs {
  kind: KindName;
  host: string;
  inventory: string;
  owner: string;
  unit: Record<string, unknown>;
}

/** What the host said: `drift` is a readable text in lines, none while the host holds the unit. */
export interface Outputs extends Inputs {
  drift: string[];
  facts: Record<string, unknown>;
}

/** A unit's id, the same on every run: `<host>/<kind>/<name>`, or `<host>/host`. */
export function idOf({ kind, host, unit }: Pick<Inputs, "kind" | "host" | "unit">): string {
  const name = kindNamed(kind).nameOf(unit as never);
  return kind === "host" ? `${host}/host` : `${host}/${kind}/${name}`;
}

const nameIn = (inputs: Inputs): string => kindNamed(inputs.kind).nameOf(inputs.unit as never);

function inputsOf(props: Inputs): Inputs {
  const { kind, host, inventory, owner, unit } = props;
  return { kind, host, inventory, owner, unit };
}

function holdsUnknown(value: unknown): boolean {
  if (value === pulumi.runtime.unknownValue) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsUnknown);
}

/** The files that a Quadlet unit names instead of holding them; nobody but the inventory's loader reads those. */
function sourcesIn({ kind, unit }: Inputs): string[] {
  if (kind !== "quadlet-unit") return [];
  const files = Object.entries((unit["files"] ?? {}) as Record<string, unknown>).filter(([, text]) => typeof text === "object");
  return [...("source" in unit ? ["unit.source"] : []), ...files.map(([path]) => `unit.files.${path}`)];
}

/** Validates and completes a unit. No I/O: the engine calls check one after another. */
async function check(_olds: unknown, news: Inputs & { value?: string }): Promise<pulumi.dynamic.CheckResult> {
  takeValue(news);
  const inputs = inputsOf(news);
  if (holdsUnknown(inputs.unit)) return { inputs };
  const named = sourcesIn(inputs);
  if (named.length > 0)
    return { inputs, failures: named.map((property) => ({ property, reason: "only an inventory names files; give the text" })) };
  const parsed = kindNamed(inputs.kind).schema.safeParse(inputs.unit, { error: messageOf });
  if (parsed.success) return { inputs: { ...inputs, unit: parsed.data } };
  const failures = parsed.error.issues.map((issue) => ({
    property: ["unit", ...issue.path.map(String)].join("."),
    reason: issue.message,
  }));
  return { inputs, failures };
}

/** What differs from the last apply, or from the host when a refresh found drift. */
async function diff(_id: string, olds: Outputs, news: Inputs): Promise<pulumi.dynamic.DiffResult> {
  const before = inputsOf({ ...olds, unit: completed(olds.kind, olds.unit) as Inputs["unit"] });
  // A rename that is declared is a change in place; state has the new id after the next refresh.
  const renamed = news.unit["renamed_from"] !== undefined && news.unit["renamed_from"] === olds.unit["name"];
  const moved = !holdsUnknown([news.host, news.unit]) && idOf(news) !== idOf(before) && !renamed;
  const changes = moved || (olds.drift ?? []).length > 0 || !isDeepStrictEqual(before, inputsOf(news));
  return { changes, replaces: moved ? ["unit"] : [], deleteBeforeReplace: moved };
}

/** Pulumi shows a list line by line, but a long text as one line full of escapes. */
const linesOf = (text: string | undefined): string[] => (text ? text.split("\n") : []);

/**
 * Applies a unit. An error after a change, or where nobody can say, bears all that state needs, the shim too;
 * one before any change leaves state as it was.
 */
async function write(id: string, props: Inputs & { __provider?: string }): Promise<Outputs> {
  const inputs = inputsOf(props);
  const partial = (reason: string, drift: string | undefined, facts: object): PartialChange =>
    new PartialChange(id, { ...inputs, drift: linesOf(drift || "its last apply failed"), facts, __provider: props.__provider }, reason);
  const result = await apply(inputs, nameIn(inputs)).catch((error: unknown) => {
    throw error instanceof NoAnswer && error.begun ? partial(error.message, "its last apply gave no answer", {}) : error;
  });
  if (!result.failed) return { ...inputs, drift: [], facts: result.facts };
  if (result.changed && result.present) throw partial(result.msg, result.drift, result.facts);
  throw new UserError(`${idOf(inputs)}: ${result.msg}`);
}

async function create(props: Inputs): Promise<pulumi.dynamic.CreateResult> {
  const id = idOf(props);
  return { id, outs: await write(id, props) };
}

async function update(id: string, _olds: Outputs, news: Inputs): Promise<pulumi.dynamic.UpdateResult> {
  return { outs: await write(id, news) };
}

/** Only the host's own word makes a unit absent; a host that is away is an error. */
async function read(_id: string, props: Outputs): Promise<pulumi.dynamic.ReadResult> {
  const seen = await observe(inputsOf(props));
  if (!seen.present) return { id: "", props: {} };
  return { id: idOf(props), props: { ...inputsOf(props), drift: linesOf(seen.drift), facts: seen.facts } };
}

async function destroy(_id: string, props: Outputs): Promise<void> {
  await remove(inputsOf(props), nameIn(props));
}

export const lifecycle = { check, diff, create, read, update, delete: destroy };
