import { type SourceLocation, type Problem, type Source, written } from "../document";
import { type HostVars } from "../schema";

/** A host whose units are good one by one, with the places of its values. `folder` is the inventory's. */
export interface LintHost {
  name: string;
  folder: string;
  vars: HostVars;
  source: Source;
}

/** An error stops everything; a warning is reported. */
export interface Finding extends Problem {
  level: "error" | "warning";
}

/** The findings of a rule group. */
export type Lint = (hosts: LintHost[]) => Finding[];

type Path = readonly PropertyKey[];

/** Something wrong at a path of a host's variables; `place` is given where it stands elsewhere. */
export const error = (host: LintHost, path: Path, message: string, place?: SourceLocation): Finding =>
  finding("error", host, path, message, place);

/** The same for something that is allowed, but probably a mistake. */
export const warning = (host: LintHost, path: Path, message: string, place?: SourceLocation): Finding =>
  finding("warning", host, path, message, place);

function finding(level: Finding["level"], host: LintHost, path: Path, message: string, place?: SourceLocation): Finding {
  return { level, ...(place ?? host.source.at(path)), message: `${written(path)}: ${message}` };
}

/** The pairs of a list whose members clash: each later one with the first that it clashes with. */
export function clashes<T>(list: readonly T[], clash: (one: T, earlier: T) => boolean): [later: T, earlier: T][] {
  return list.flatMap((one, index) => {
    const earlier = list.slice(0, index).find((other) => clash(one, other));
    return earlier === undefined ? [] : [[one, earlier] as [T, T]];
  });
}
