import { isDeepStrictEqual } from "node:util";

/** The host's answer for one form of a resource: how it differs, nothing where it is in sync with that form. */
export type Answer = { present: boolean; differences: string } | { error: string };

/** A unit's three sides. The host was asked for the form that was applied and, where the declared one is another, for that. */
export interface Sides {
  id: string;
  declared: object | undefined;
  applied: object | undefined;
  host: { applied: Answer | undefined; declared: Answer | undefined };
}

/** The side that differs from the two others. */
export type Side = "configuration" | "state" | "host";

/** A resource's line. `detail` is how the host differs, or why it could not be read. */
export interface Line {
  id: string;
  configuration: string;
  state: string;
  host: string;
  moved: Side[];
  detail: string;
  isRead: boolean;
}

/** A unit with its three sides compared. */
export function lineOf({ id, declared, applied, host }: Sides): Line {
  const changed = declared && applied ? differing(declared, applied) : [];
  const isSame = declared !== undefined && applied !== undefined && changed.length === 0;
  return {
    id,
    configuration: changed.length > 0 ? `changed: ${changed.join(", ")}` : declared ? "declared" : "not declared",
    state: applied ? "applied" : "not held",
    ...onHost(host, isSame, declared !== undefined),
  };
}

type OnHost = Pick<Line, "host" | "moved" | "detail" | "isRead">;

function onHost({ applied, declared }: Sides["host"], isSame: boolean, isDeclared: boolean): OnHost {
  for (const answer of [applied, declared]) {
    if (answer && "error" in answer)
      return { host: "cannot be read", moved: isSame ? [] : ["configuration"], detail: answer.error, isRead: false };
  }
  const latest = (applied ?? declared) as Exclude<Answer, { error: string }>;
  // A side that knows nothing of the unit wants it absent.
  const asApplied = applied ? holds(applied) : !latest.present;
  const asDeclared = isSame ? asApplied : isDeclared ? holds(declared!) : !latest.present;
  const host = !latest.present ? "absent" : asDeclared ? "as declared" : asApplied ? "as applied" : "differs";
  const moved: Side[] = isSame
    ? asApplied
      ? []
      : ["host"]
    : asDeclared
      ? ["state"]
      : asApplied
        ? ["configuration"]
        : ["configuration", "host"];
  return { host, moved, detail: host === "differs" ? latest.differences : "", isRead: true };
}

const holds = (answer: Answer): boolean => !("error" in answer) && answer.present && answer.differences === "";

/** The properties in which two forms of a unit differ. */
export function differing(one: object, other: object): string[] {
  const [a, b] = [plain(one), plain(other)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isDeepStrictEqual(a[key], b[key])).sort();
}

/** As it stands in a state: without what is undefined. */
const plain = (unit: object): Record<string, unknown> => JSON.parse(JSON.stringify(unit)) as Record<string, unknown>;
