// Configurations as files, one per case: see README.md beside this.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const BASE: Record<string, string> = {
  "hosts.yml": "all: { children: { hypervisors: { hosts: { hv: } } } }\n",
  "group_vars/all.yml": `homelab_owner: lab\nansible_ssh_common_args: "-F '{{ inventory_dir }}/ssh_config'"\n`,
  ssh_config: "Host hv\n",
};

/** A case: the files of an inventory, and what is said of it, each line as `file:line:column: message`. */
export interface Fixture {
  name: string;
  files: Record<string, string>;
  errors: string[];
  warnings: string[];
}

/** Every case of a folder. */
export function fixtures(folder: string): Fixture[] {
  const names = readdirSync(join(__dirname, folder)).sort();
  return names.map((name) => ({ name: name.replace(/\.yml$/, ""), ...parse(readFileSync(join(__dirname, folder, name))) }));
}

/** `#= file` begins another file, `#- file` leaves one out; `#! ` is an error that is expected, `#? ` a warning. */
function parse(bytes: Buffer): Omit<Fixture, "name"> {
  // As bytes, so that a case may be no UTF-8.
  const lines = bytes.toString("latin1").split(/(?<=\n)/);
  const missing: string[] = [];
  let file = "host_vars/hv.yml";
  const texts: Record<string, string> = { [file]: "" };
  const said = { "!": [] as string[], "?": [] as string[] };
  for (const line of lines) {
    const [, sign, rest] = /^#([!?=-]) (.*)\n?$/.exec(line) ?? [];
    if (sign === "!" || sign === "?") said[sign].push(Buffer.from(rest!, "latin1").toString());
    if (sign === "-") missing.push(rest!);
    if (sign === "=") texts[(file = rest!)] = "";
    else texts[file] += line;
  }
  const files = Object.entries({ ...BASE, ...texts }).filter(([path]) => !missing.includes(path));
  return { files: Object.fromEntries(files), errors: said["!"], warnings: said["?"] };
}

/** Whether what is said now becomes what is expected (`npm run test:accept`); the diff is for a person to review. */
export const isAccepting = process.env["HOMELAB_ACCEPT"] === "1";

/** Makes what a case says now what is expected of it; more lines of that move the lines below them, so it is said twice. */
export function accept(folder: "bad" | "good", name: string, said: (fixture: Fixture) => string[]): void {
  const once = (): void => replaceExpected(folder, name, said(fixtures(folder).find((one) => one.name === name)!));
  once();
  once();
}

function replaceExpected(folder: string, name: string, lines: string[]): void {
  const path = join(__dirname, folder, `${name}.yml`);
  const rest = readFileSync(path, "latin1")
    .split(/(?<=\n)/)
    .filter((line) => !/^#[!?] /.test(line));
  const sign = folder === "bad" ? "!" : "?";
  const expected = lines.map((line) => Buffer.from(`#${sign} ${line}\n`).toString("latin1"));
  writeFileSync(path, [...expected, ...rest].join(""), "latin1");
}

/** Writes a case's inventory, and returns its folder. */
export function write({ files }: Fixture, folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, "latin1");
  }
  return folder;
}
