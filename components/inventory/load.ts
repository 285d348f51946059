import { isUtf8 } from "node:buffer";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type z } from "zod";
import { described, messageOf, valueAt } from "../../providers/messages";
import { withAddresses } from "./addresses";
import { type Problem, type Source, readSource, written } from "./document";
import { FORMER_GROUP_VARS, FORMER_HOST_VARS, withoutFormerKeys } from "./former-keys";
import { type LintHost, lint } from "./lints";
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
  /** More than half of a host's resources may be removed at once. */
  massRemoval: boolean;
  hosts: InventoryHost[];
  /** Warnings: allowed, but probably a mistake. */
  warnings: Problem[];
}

/** A problem as a user reads it: `file:line:column: message`. */
export const shown = ({ file, line, column, message }: Problem): string => `${file}:${line}:${column}: ${message}`;

/** All errors in an inventory, each with its place. */
export class InventoryError extends Error {
  constructor(readonly problems: Problem[]) {
    const lines = problems.map(shown);
    super(`The configuration has ${problems.length} ${problems.length === 1 ? "error" : "errors"}; nothing was done.\n${lines.join("\n")}`);
    this.name = "";
    this.stack = "";
  }
}

/** Loads `ansible/inventory/<stack>/`. Throws one InventoryError that names every problem. */
export function loadInventory(folder: string): Inventory {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const [common, commonSource] = read(
    join(folder, "group_vars", "all.yml"),
    groupVars,
    "it names homelab_owner and ansible_ssh_common_args",
    problems,
    (source) => withoutFormerKeys(source, FORMER_GROUP_VARS, warnings),
  );
  const [groups] = read(join(folder, "hosts.yml"), hostsFile, "it names the hosts, in all.hosts or all.children.<group>.hosts", problems);
  if (!existsSync(join(folder, "ssh_config"))) {
    problems.push({
      file: join(folder, "ssh_config"),
      line: 1,
      column: 1,
      message: "missing: it configures how each host is reached, ssh_config(5)",
    });
  }
  const secrets = new Secrets(folder, problems);
  const guests = Object.keys(groups?.all.children?.["guests"]?.hosts ?? {});
  const names = [groups?.all.hosts, ...Object.values(groups?.all.children ?? {}).map((group) => group?.hosts)];
  const loaded = [...new Set(names.flatMap((group) => Object.keys(group ?? {})))].map((name) => ({
    ...loadHost(folder, name, secrets, problems, warnings),
    guest: guests.includes(name),
  }));
  const hosts = loaded.map(({ name, guest, vars }) => ({ name, guest, ...vars }));
  (common?.retired_hosts ?? []).forEach((name, index) => {
    if (!hosts.some((host) => host.name === name)) return;
    const message = `retired_hosts.${index}: ${name} is in hosts.yml, too; take it out of one of them`;
    problems.push({ ...commonSource!.at(["retired_hosts", index]), message });
  });
  problems.push(...badRenames(loaded));
  problems.push(...strayFiles(folder, groups && hosts.map(({ name }) => name)).map((stray) => ({ ...stray, line: 1, column: 1 })));
  const findings = lint(loaded.flatMap((host) => (host.source === undefined ? [] : [{ ...host, source: host.source }])));
  problems.push(...findings.errors);
  warnings.push(...findings.warnings);
  if (problems.length > 0) throw new InventoryError(inOrder(problems));
  return { owner: common?.homelab_owner ?? "", massRemoval: common?.homelab_prune === "confirm", hosts, warnings };
}

/** No host has a former name now, and only one host had it. */
function badRenames(hosts: { name: string; vars: HostVars; source?: Source | undefined }[]): Problem[] {
  return hosts.flatMap(({ vars: { homelab_renamed_from: former }, source }, index) => {
    if (former === undefined || source === undefined) return [];
    const at = source.at(["homelab_renamed_from"]);
    const other = hosts.slice(0, index).find(({ vars }) => vars.homelab_renamed_from === former);
    if (other) return [{ ...at, message: `homelab_renamed_from: ${former} is the former name of ${other.name}, too` }];
    if (!hosts.some(({ name }) => name === former)) return [];
    return [
      {
        ...at,
        message: `homelab_renamed_from: ${former} is in hosts.yml still; a host that was renamed is there under its new name alone`,
      },
    ];
  });
}

/** Problems in the order in which a file is read. */
function inOrder(problems: Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  return [...problems].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column);
}

/** A host's resources, and where they are declared; without `source` there is nothing to check. */
function loadHost(
  folder: string,
  name: string,
  secrets: Secrets,
  problems: Problem[],
  warnings: Problem[],
): Omit<LintHost, "source"> & { source?: Source } {
  const file = join(folder, "host_vars", `${name}.yml`);
  const none = { name, folder, vars: hostVars.parse({}) };
  if (!existsSync(file)) return none;
  const source = withoutFormerKeys(readSource(file, "rejected"), FORMER_HOST_VARS, warnings);
  const vars = validated(source, hostVars, problems);
  if (vars === undefined) return none;
  const units = vars.quadlet_units.map((unit, index) => withTexts(folder, source, ["quadlet_units", index], unit, problems));
  const podmanSecrets = secrets.withDigests(vars.podman_secrets, source);
  const domains = secrets.withUserData(withAddresses(vars), source);
  return { ...none, source, vars: { ...vars, domains, podman_secrets: podmanSecrets, quadlet_units: units } };
}

type Quadlet = HostVars["quadlet_units"][number];

/** A unit with the text of the files it names: a provider or a role gets all of it. */
function withTexts(folder: string, inventory: Source, at: PropertyKey[], unit: Quadlet, problems: Problem[]): Quadlet {
  const text = (path: PropertyKey[], source: string): string => {
    const fault = (reason: string): string => {
      const message = `${written([...at, ...path])}: ${source}: ${reason}`;
      problems.push({ ...inventory.at([...at, ...path]), message });
      return "";
    };
    try {
      const bytes = readFileSync(join(folder, source));
      return isUtf8(bytes) ? bytes.toString("utf8") : fault("it is not UTF-8 text");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return fault(code === "ENOENT" ? `there is no such file in ${folder}` : message);
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

function read<T>(
  file: string,
  schema: z.ZodType<T>,
  what: string,
  problems: Problem[],
  prepare = (source: Source): Source => source,
): [data?: T, source?: Source] {
  if (!existsSync(file)) {
    problems.push({ file, line: 1, column: 1, message: `missing: ${what}` });
    return [];
  }
  const source = prepare(readSource(file, "allowed"));
  return [validated(source, schema, problems), source];
}

/** The content of a file, or undefined when anything is wrong with it; everything wrong is reported. */
function validated<T>(source: Source, schema: z.ZodType<T>, problems: Problem[]): T | undefined {
  problems.push(...source.problems);
  if (source.data === undefined && source.problems.length > 0) return undefined;
  const parsed = schema.safeParse(source.data ?? {}, { error: messageOf });
  const issues = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOf(source, issue));
  // A node that cannot be read at all needs no second message.
  const reported = new Set(source.problems.map(({ line, column }) => `${line}:${column}`));
  problems.push(...issues.filter(({ line, column }) => !reported.has(`${line}:${column}`)));
  return parsed.data;
}

/** An issue of zod as what a user reads: place, path, value, and the accepted form. */
function problemsOf(source: Source, issue: z.core.$ZodIssue): Problem[] {
  const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  const ofKey = issue.code === "unrecognized_keys" || issue.code === "invalid_key";
  return paths.map((path) => {
    const where = path.length > 0 ? `${written(path)}: ` : "";
    return { ...source.at(path, ofKey ? "key" : "value"), message: `${where}${described(issue, valueAt(source.data, path))}` };
  });
}

/** Returns the files that Ansible would read and this project does not. Editors' backup files are ignored, as by Ansible. */
function strayFiles(folder: string, names: string[] | undefined): { file: string; message: string }[] {
  const other = (vars: string, known: string[], message: string): { file: string; message: string }[] =>
    (existsSync(join(folder, vars)) ? readdirSync(join(folder, vars)) : [])
      .filter((file) => !known.includes(file) && !/^\.|~$|\.(swp|bak|orig|retry)$/.test(file))
      .map((file) => ({ file: join(folder, vars, file), message }));
  const strays = other("group_vars", ["all.yml"], "is not read: what is common to hosts stands in group_vars/all.yml, units in host_vars");
  // Without a readable hosts.yml, every file would be one.
  if (names === undefined) return strays;
  const known = names.map((name) => `${name}.yml`);
  return [...other("host_vars", known, `belongs to no host of hosts.yml; it has ${names.join(", ") || "none"}`), ...strays];
}
