import { type Scalar } from "yaml";

// How PyYAML, and so Ansible, takes a plain scalar: YAML 1.1 with the patterns of its resolver.py, tried in this order.
const RESOLVER: [type: string, form: RegExp][] = [
  ["boolean", /^(yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/],
  ["number", /^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?)$/],
  ["number", /^([-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/],
  ["octal", /^[-+]?0[0-7_]+$/],
  ["number", /^([-+]?0b[01_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+)$/],
  ["null", /^(~|null|Null|NULL|)$/],
  ["date", /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/],
  ["date", /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?$/],
  ["merge", /^(<<|=)$/],
  // Not of PyYAML, but of the standard.
  ["boolean", /^[yYnN]$/],
];

const typeIn11 = (source: string): string => RESOLVER.find(([, form]) => form.test(source))?.[0] ?? "string";

/** Returns the error in a plain scalar that Ansible reads in another way, or that does not stay as it is written. */
export function faultOfPlain({ value, source = "" }: Scalar): string | undefined {
  if (source === "<<") return "<< merges lists of names in YAML 1.1 alone: write them out, or use an alias of the whole";
  if (source.includes("\t")) return "a tab within a text without quotes: quote it";
  if (typeIn11(source) !== (value === null ? "null" : typeof value)) return `${source} is read differently by YAML 1.1 and 1.2: quote it`;
  // As a text of a unit file it would be 31 for 0x1f, 1 for 1.0, and 1e-05 in Python for 0.00001.
  const changes = typeof value === "number" && (String(value) !== source || (value !== 0 && Math.abs(value) < 1e-4));
  return changes ? `${source} does not stay as it is written: quote a text, write a number plainly` : undefined;
}
