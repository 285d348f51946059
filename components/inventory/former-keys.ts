import { type RenamedKey, definitions, withPresentKeys } from "../../providers/kinds";
import { type Problem, type Source, written } from "./document";

/** The former keys of `host_vars`, by their path in the file. */
export const FORMER_HOST_VARS: Record<string, string> = Object.fromEntries(
  definitions.flatMap(({ list, single, renamed }) =>
    Object.entries(renamed ?? {}).map(([path, present]) => [`${list}${single ? "" : "[]"}.${path}`, present]),
  ),
);

/** Former keys of `group_vars`. */
export const FORMER_GROUP_VARS: Record<string, string> = { homelab_lock_wait: "homelab_lock_timeout" };

/** A file with its former keys under their present names, which one version accepts; each is a warning with its place. */
export function withoutFormerKeys(source: Source, renamed: Record<string, string>, warnings: Problem[]): Source {
  const { value, found } = withPresentKeys(renamed, source.data);
  const asWritten = (path: readonly PropertyKey[]): PropertyKey[] => found.reduce(formerPath, [...path]);
  warnings.push(...found.map((one) => warningOf(source, one)));
  return {
    ...source,
    data: value,
    at: (path, of) => source.at(asWritten(path), of),
    lineOf: (path, line) => source.lineOf(asWritten(path), line),
  };
}

/** A path as the file has it. */
function formerPath(path: PropertyKey[], { path: at, former, present }: RenamedKey): PropertyKey[] {
  const isBelow = path[at.length] === present && at.every((step, index) => step === path[index]);
  return isBelow ? [...at, former, ...path.slice(at.length + 1)] : path;
}

function warningOf(source: Source, { path, former, present }: RenamedKey): Problem {
  const message = `${written([...path, former])}: ${former} is now called ${present}; the former name is accepted in this version only`;
  return { ...source.at([...path, former], "key"), message };
}
