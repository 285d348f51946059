import { join } from "node:path";
import { type Setting, settingsOf, valuesOf as valuesIn } from "../../../providers/quadlet-unit/file";
import { type SourceLocation } from "../document";
import { type LintHost } from "./finding";

/** A setting with where a user finds it. */
export interface Entry extends Omit<Setting, "line"> {
  path: PropertyKey[];
  place: SourceLocation;
}

type Unit = LintHost["vars"]["quadlet_units"][number];

/** A Quadlet unit of a host, as the rules look at it. `section` is the one that gives it its kind. */
export interface LintUnit {
  host: LintHost;
  unit: Unit;
  path: PropertyKey[];
  user: string;
  name: string;
  section: string;
  entries: Entry[];
}

/** All Quadlet units of a host. */
export const unitsOf = (host: LintHost): LintUnit[] =>
  host.vars.quadlet_units.map((unit, index) => {
    const path = ["quadlet_units", index];
    const name = unit.name ?? "";
    const kind = name.split(".").at(-1)!;
    const section = kind.charAt(0).toUpperCase() + kind.slice(1);
    return { host, unit, path, user: unit.user ?? "system", name, section, entries: entriesOf(host, unit, path) };
  });

/** The values of a key with their places; an empty one clears those before it. */
export const valuesOf = ({ entries }: LintUnit, section: string, key: string): Entry[] => valuesIn(entries, section, key);

/** Whether one of the two never runs at the same time as the other, Conflicts= of systemd.unit(5). */
export const conflicts = (one: LintUnit, other: LintUnit): boolean =>
  [
    [one, other],
    [other, one],
  ].some(([unit, named]) =>
    valuesOf(unit!, "Unit", "Conflicts").some(({ value }) => value.split(/\s+/).some((word) => isNamed(named!, word))),
  );

const isNamed = (unit: LintUnit, word: string): boolean => word === unit.name || word === serviceOf(unit);

const SUFFIX: Record<string, string> = { Container: "", Kube: "" };

/** The service that the generator makes of a unit; ServiceName= overrides. */
export function serviceOf(unit: LintUnit): string {
  const name = unit.name.slice(0, unit.name.lastIndexOf("."));
  // A template runs as its default instance, if it has one.
  const instance = name.endsWith("@") ? (valuesOf(unit, "Install", "DefaultInstance").at(-1)?.value ?? "") : "";
  const named = valuesOf(unit, unit.section, "ServiceName")
    .at(-1)
    ?.value.replace(/^["']|["']$/g, "");
  return `${named ?? name + (SUFFIX[unit.section] ?? `-${unit.section.toLowerCase()}`) + instance}.service`;
}

function entriesOf(host: LintHost, unit: Unit, path: PropertyKey[]): Entry[] {
  const dropins = Object.entries(unit.dropins ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const own =
    unit.content === undefined ? entriesOfSections(host, unit, path) : entriesOfText(host, unit.content, [...path, ...native(host, path)]);
  return [...own, ...dropins.flatMap(([name, text]) => entriesOfText(host, text, [...path, "dropins", name]))];
}

/** The name under which a unit's text is given; that of a file has become its `content`. */
function native(host: LintHost, [, index]: PropertyKey[]): string[] {
  const { quadlet_units: units } = host.source.data as { quadlet_units: object[] };
  return "source" in units[Number(index)]! ? ["source"] : ["content"];
}

function entriesOfSections(host: LintHost, unit: Unit, path: PropertyKey[]): Entry[] {
  return Object.entries(unit.sections ?? {}).flatMap(([section, keys]) =>
    Object.entries(keys).flatMap(([key, values]) => {
      const at = [...path, "sections", section, key];
      const list = Array.isArray(values) ? values.map((value, index) => ({ value, path: [...at, index] })) : [{ value: values, path: at }];
      return list.map((one) => ({ section, key, value: String(one.value), path: one.path, place: host.source.at(one.path) }));
    }),
  );
}

function entriesOfText(host: LintHost, text: string, path: PropertyKey[]): Entry[] {
  return settingsOf(text).map(({ line, ...setting }) => ({ ...setting, path, place: placeOf(host, path, line) }));
}

/** A line of a native file stands in that file, else in the inventory. */
function placeOf(host: LintHost, path: PropertyKey[], line: number): SourceLocation {
  if (path.at(-1) !== "source") return host.source.lineOf(path, line);
  const units = (host.source.data as { quadlet_units: { source: string }[] }).quadlet_units;
  return { file: join(host.folder, units[Number(path[1])]!.source), line: line + 1, column: 1 };
}
