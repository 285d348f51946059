import { type Finding, type LintHost, warning } from "./finding";

/** nftables tables: what works today and surprises later, nft(8). The language itself is for nft to check, on the host. */
export const nftables = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => host.vars.nftables_tables.flatMap(({ content }, index) => table(host, index, content)));

const blanks = (text: string): string => text.replace(/[^\n]/g, " ");

/** The text without comments and what is in quotes, at the same places; the link lo stays. */
const plain = (content: string): string =>
  content.replace(/"lo"|"[^"\n]*"|#[^\n]*/g, (found) => (found === '"lo"' ? " lo " : blanks(found)));

/** The same with what is in quotes, but for remarks. */
const named = (content: string): string =>
  content.replace(/\bcomment\s+"[^"\n]*"|#[^\n]*|"[^"\n]*"/g, (found) => (found.startsWith('"') ? found : blanks(found)));

/** Where a text names devices, as chains of family netdev and flowtables do. */
function devicesIn(text: string): { name: string; offset: number }[] {
  const lists = [...text.matchAll(/\bdevices?\s*=?\s*(\{[^}]*\}|"[^"\n]*"|[\w.-]+)/g)];
  return lists.flatMap(({ index, 1: list }) => [...list!.matchAll(/[\w.-]+/g)].map(([name]) => ({ name, offset: index })));
}

function table(host: LintHost, index: number, content: string): Finding[] {
  const path = ["nftables_tables", index, "content"];
  const text = plain(content);
  const at = (offset: number, message: string): Finding =>
    warning(host, path, message, host.source.lineOf(path, text.slice(0, offset).split("\n").length - 1));
  // `fib` looks up routes and compares no link; lo has the index 1 always.
  const rules = text.replace(/\bfib\b[^;\n]*?\b(oif|oifname|type)\b/g, blanks);
  const later = [...host.vars.bridges, ...host.vars.vlans].map(({ name }) => name);
  return [
    ...devicesIn(named(content))
      .filter(({ name }) => later.includes(name))
      .map(({ name, offset }) =>
        at(
          offset,
          `device ${name} does not exist yet when a boot loads tables, which is before the network; the whole table would be missing then. ` +
            "Name the network card under it, or match it by iifname and oifname",
        ),
      ),
    ...[...rules.matchAll(/\b([io]if)\b(?!\s*(?:[!=]=\s*)?lo\b)/g)].map(({ index: offset, 1: word }) =>
      at(offset, `${word} compares a link's index, which changes when the link is recreated; write ${word}name`),
    ),
    ...[...text.matchAll(/\bhook\s+(forward|input)\b[^{}]*?\bpolicy\s+drop\b/g)].map(({ index: offset, 0: whole, 1: hook }) =>
      at(
        offset + whole.length,
        `policy drop on hook ${hook} drops all that no rule of this table accepts, also what other tables accept, such as ` +
          "libvirt's and Podman's; keep policy accept, and drop by your own interfaces",
      ),
    ),
  ];
}
