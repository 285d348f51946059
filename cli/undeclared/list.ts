import { type KindName, definitions, idIn, kindNamed } from "../../providers/kinds";
import { type Held } from "../state";
import { counted, table } from "../table";

interface Listed {
  name: string;
  owner: string | null;
  present: boolean;
}

/** The objects of a host, by kind (ansible/module_utils/homelab/observe/survey.py); those of one user, or a kind, may be unreadable. */
export type Survey = Partial<Record<KindName, (Listed | { name: string; error: string })[] | { error: string }>>;

/** Something on a host that its inventory does not declare. `stacks` are those whose states hold it. */
export interface Undeclared {
  kind: KindName;
  name: string;
  owner: string | null;
  present: boolean;
  stacks: string[];
}

/** Returns a host's objects that are not declared, in the order of the kinds. */
export function undeclaredIn(host: string, survey: Survey, declared: Set<string>, held: Held[]): Undeclared[] {
  return kindsOf(survey).flatMap(([kind, objects]) =>
    "error" in objects
      ? []
      : objects
          .flatMap((object) => ("error" in object ? [] : [object]))
          .map((object) => ({ ...object, kind, id: idIn(host, kindNamed(kind), object.name) }))
          .filter(({ id }) => !declared.has(id))
          .map(({ id, ...object }) => ({
            ...object,
            stacks: held.filter((one) => one.id === id && one.owner === object.owner).map(({ stack }) => stack),
          })),
  );
}

/** Why kinds, or the objects of one user, could not be read. */
export const unreadIn = (survey: Survey): string[] =>
  kindsOf(survey).flatMap(([kind, objects]) =>
    "error" in objects
      ? [`${kind} cannot be read: ${objects.error}`]
      : objects.flatMap((object) => ("error" in object ? [`${kind} ${object.name} cannot be read: ${object.error}`] : [])),
  );

const kindsOf = (survey: Survey) => definitions.flatMap(({ name }) => (survey[name] ? [[name, survey[name]] as const] : []));

const HEADING = ["kind", "name", "owner", "in state"];

/** All of it as a table, then what there is to do about it. */
export function render(host: string, folder: string, owner: string, found: Undeclared[]): string {
  if (found.length === 0) return `${host} has nothing that ${folder} does not declare.`;
  const rows = found.map(({ kind, name, owner: mark, present, stacks }) => [
    kind,
    present ? name : `${name} (gone, but for its record)`,
    mark ?? "-",
    stacks.join(", ") || "-",
  ]);
  const isKept = (one: Undeclared): boolean => one.owner?.endsWith(" (kept)") ?? false;
  const isOthers = (one: Undeclared): boolean => one.owner !== null && one.owner !== owner && !isKept(one);
  const count = (filter: (one: Undeclared) => boolean): number => found.filter(filter).length;
  const reported: [number, string][] = [
    [count((one) => one.owner === null), "not managed by homelab"],
    [
      count((one) => one.owner === owner && one.stacks.length > 0),
      `of this inventory's owner, ${owner}, and in a state: the next \`npx pulumi up\` removes them`,
    ],
    [
      count((one) => one.owner === owner && one.stacks.length === 0),
      `of this inventory's owner, ${owner}, that no state holds: plain Ansible removes them, with \`homelab_prune: true\``,
    ],
    [count(isKept), "kept with their data, for users of that name: `deluser --remove-home` removes one"],
    [count((one) => isOthers(one) && one.stacks.length > 0), "of other owners, in a state"],
    [
      count((one) => isOthers(one) && one.stacks.length === 0),
      "of other owners that no state here holds: another backend's, or left behind",
    ],
  ];
  return [
    `${host} has what ${folder} does not declare; nothing is removed:`,
    ...table([HEADING, ...rows]),
    `${found.length} in all`,
    ...counted(reported),
  ].join("\n");
}
