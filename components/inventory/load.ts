import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type z } from "zod";
import { type Problem, type Source, readSource } from "./document";
import { type HostVars, groupVars, hostVars, hostsFile } from "./schema";
import { Secrets } from "./secrets";

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
  const common = read(join(folder, "group_vars", "all.yml"), groupVars, problems);
  const groups = read(join(folder, "hosts.yml"), hostsFile, problems);
  if (!existsSync(join(folder, "ssh_config"))) {
    problems.push({
      file: join(folder, "ssh_config"),
      line: 1,
      column: 1,
      message: "missing: it says how each host is reached, ssh_config(5)",
    });
  }
  const secrets = new Secrets(folder, problems);
  const guests = Object.keys(groups?.all.children?.["guests"]?.hosts ?? {});
  const names = [groups?.all.hosts, ...Object.values(groups?.all.children ?? {}).map((group) => group?.hosts)];
  const hosts = [...new Set(names.flatMap((group) => Object.keys(group ?? {})))].map((name) => ({
    name,
    guest: guests.includes(name),
    ...loadHost(folder, name, secrets, problems),
  }));
  for (const name of common?.retired_hosts ?? []) {
    if (!hosts.some((host) => host.name === name)) continue;
    problems.push({
      file: join(folder, "hosts.yml"),
      line: 1,
      column: 1,
      message: `${name} is in retired_hosts of group_vars/all.yml, too`,
    });
  }
  problems.push(...strayFiles(folder, hosts).map((stray) => ({ ...stray, line: 1, column: 1 })));
  if (problems.length > 0) throw new InventoryError(problems);
  return { owner: common?.homelab_owner ?? "", hosts };
}

function loadHost(folder: string, name: string, secrets: Secrets, problems: Problem[]): HostVars {
  const file = join(folder, "host_vars", `${name}.yml`);
  if (!existsSync(file)) return hostVars.parse({});
  const source = readSource(file, "refused");
  const vars = validated(source, hostVars, problems);
  if (vars === undefined) return hostVars.parse({});
  return {
    ...vars,
    podman_secrets: secrets.withDigests(vars.podman_secrets, source),
    quadlet_units: vars.quadlet_units.map((unit, index) => withTexts(folder, source, ["quadlet_units", index], unit, problems)),
  };
}

type Quadlet = HostVars["quadlet_units"][number];

/** A unit with the text of the files it names: what reaches a provider or a role is whole. */
function withTexts(folder: string, inventory: Source, at: PropertyKey[], unit: Quadlet, problems: Problem[]): Quadlet {
  const text = (path: PropertyKey[], source: string): string => {
    try {
      return readFileSync(join(folder, source), "utf8");
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (error as Error).message;
      const place = inventory.at([...at, ...path], "value");
      problems.push({
        file: inventory.file,
        ...place,
        message: `${[...at, ...path].map(String).join(".")}: ${source}: ${reason} in ${folder}`,
      });
      return "";
    }
  };
  const { source, ...rest } = unit;
  const files = Object.entries(unit.files ?? {}).map(([path, value]) => [
    path,
    typeof value === "string" ? value : text(["files", path, "source"], value.source),
  ]);
  return {
    ...rest,
    ...(source === undefined ? {} : { name: unit.name ?? basename(source), content: text(["source"], source) }),
    ...(files.length > 0 ? { files: Object.fromEntries(files) as Record<string, string> } : {}),
  };
}

function read<T>(file: string, schema: z.ZodType<T>, problems: Problem[]): T | undefined {
  if (existsSync(file)) return validated(readSource(file, "allowed"), schema, problems);
  problems.push({ file, line: 1, column: 1, message: "missing" });
  return undefined;
}

/** What a file says, or undefined when anything is wrong with it; all that is wrong is told. */
function validated<T>(source: Source, schema: z.ZodType<T>, problems: Problem[]): T | undefined {
  problems.push(...source.problems);
  if (source.data === undefined && source.problems.length > 0) return undefined;
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

/** What Ansible would read and we do not. Files that editors leave are neither's, as in Ansible's own list. */
function strayFiles(folder: string, hosts: { name: string }[]): { file: string; message: string }[] {
  const names = hosts.map(({ name }) => name);
  const other = (vars: string, known: string[], message: string): { file: string; message: string }[] =>
    (existsSync(join(folder, vars)) ? readdirSync(join(folder, vars)) : [])
      .filter((file) => !known.includes(file) && !/^\.|~$|\.(swp|bak|orig|retry)$/.test(file))
      .map((file) => ({ file: join(folder, vars, file), message }));
  return [
    ...other(
      "host_vars",
      names.map((name) => `${name}.yml`),
      `belongs to no host of hosts.yml; it has ${names.join(", ") || "none"}`,
    ),
    ...other("group_vars", ["all.yml"], "is not read: what is common to hosts stands in group_vars/all.yml, units in host_vars"),
  ];
}
