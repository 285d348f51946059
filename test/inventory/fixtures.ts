// Configurations as files, one per case: see README.md beside this.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const BASE: Record<string, string> = {
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

/** Writes a case's inventory, and returns its folder. */
export function write({ files }: Fixture, folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, "latin1");
  }
  return folder;
}
