import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type z } from "zod";
import { type Problem, type Source, readSource } from "./document";
import { type HostVars, groupVars, hostVars, hostsFile } from "./schema";

/** A host with its units. A guest is reached once the other hosts' networks stand. */
export interface InventoryHost extends HostVars {
  name: string;
  guest: boolean;
}

/** An inventory that is valid as a whole. */
export interface Inventory {
  owner: string;
  hosts: InventoryHost[];
}

/** All that is wrong in an inventory, each with its place. */
export class InventoryError extends Error {
  constructor(readonly problems: Problem[]) {
    const lines = problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
    super(`The configuration has ${problems.length} ${problems.length === 1 ? "error" : "errors"}; nothing was done.\n${lines.join("\n")}`);
    this.name = "";
    this.stack = "";
  }
}

/** Loads `ansible/inventory/<stack>/`. Throws one InventoryError that names every problem. */
export function loadInventory(folder: string): Inventory {
  const problems: Problem[] = [];
  const owner = read(join(folder, "group_vars", "all.yml"), groupVars, problems)?.homelab_owner ?? "";
  const groups = read(join(folder, "hosts.yml"), hostsFile, problems);
  if (!existsSync(join(folder, "ssh_config"))) {
    problems.push({
      file: join(folder, "ssh_config"),
      line: 1,
      column: 1,
      message: "missing: it says how each host is reached, ssh_config(5)",
    });
  }
  const guests = Object.keys(groups?.all.children?.["guests"]?.hosts ?? {});
  const names = [groups?.all.hosts, ...Object.values(groups?.all.children ?? {}).map((group) => group?.hosts)];
  const hosts = [...new Set(names.flatMap((group) => Object.keys(group ?? {})))].map((name) => ({
    name,
    guest: guests.includes(name),
    ...loadHost(folder, name, problems),
  }));
  for (const stray of strayFiles(folder, hosts)) {
    problems.push({
      file: stray,
      line: 1,
      column: 1,
      message: `belongs to no host of hosts.yml; it has ${hosts.map(({ name }) => name).join(", ") || "none"}`,
    });
  }
  if (problems.length > 0) throw new InventoryError(problems);
  return { owner, hosts };
}

function loadHost(folder: string, name: string, problems: Problem[]): HostVars {
  const file = join(folder, "host_vars", `${name}.yml`);
  const vars = existsSync(file) ? read(file, hostVars, problems) : undefined;
  if (vars === undefined) return hostVars.parse({});
  return { ...vars, quadlet_units: vars.quadlet_units.map((unit) => withTexts(folder, file, unit, problems)) };
}

type Quadlet = HostVars["quadlet_units"][number];

/** A unit with the text of the files it names: what reaches a provider or a role is whole. */
function withTexts(folder: string, file: string, unit: Quadlet, problems: Problem[]): Quadlet {
  const text = (source: string): string => {
    try {
      return readFileSync(join(folder, source), "utf8");
    } catch {
      problems.push({ file, line: 1, column: 1, message: `source ${source}: there is no such file in ${folder}` });
      return "";
    }
  };
  const { source, ...rest } = unit;
  const files = Object.entries(unit.files ?? {}).map(([path, value]) => [path, typeof value === "string" ? value : text(value.source)]);
  return {
    ...rest,
    ...(source === undefined ? {} : { name: unit.name ?? basename(source), content: text(source) }),
    ...(files.length > 0 ? { files: Object.fromEntries(files) as Record<string, string> } : {}),
  };
}

function read<T>(file: string, schema: z.ZodType<T>, problems: Problem[]): T | undefined {
  if (!existsSync(file)) {
    problems.push({ file, line: 1, column: 1, message: "missing" });
    return undefined;
  }
  const source = readSource(file);
  problems.push(...source.problems);
  if (source.problems.length > 0) return undefined;
  const parsed = schema.safeParse(source.data ?? {});
  if (parsed.success) return parsed.data;
  problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(source, issue)));
  return undefined;
}

/** An issue of zod as what a user reads: place, path, value, and the accepted form. */
function problemsOf(source: Source, issue: z.core.$ZodIssue): Problem[] {
  const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.map((path) => {
    const value = path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], source.data);
    const shown = value === undefined ? "" : ` (it is ${JSON.stringify(value).slice(0, 60)})`;
    const text = issue.code === "unrecognized_keys" ? "unknown name" : issue.message;
    return {
      file: source.file,
      ...source.at(path, issue.code === "unrecognized_keys" ? "key" : "value"),
      message: `${path.map(String).join(".")}: ${text}${shown}`,
    };
  });
}

function strayFiles(folder: string, hosts: { name: string }[]): string[] {
  const vars = join(folder, "host_vars");
  if (!existsSync(vars)) return [];
  const known = hosts.map(({ name }) => `${name}.yml`);
  return readdirSync(vars)
    .filter((file) => !known.includes(file))
    .map((file) => join(vars, file));
}
