import { readFileSync } from "node:fs";
import { LineCounter, type Document, type Node, type Scalar, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";

/** One thing that is wrong in the configuration: where it stands and what would be right. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  message: string;
}

/** A YAML file with the places of its values. */
export interface Source {
  file: string;
  data: unknown;
  at(path: readonly PropertyKey[], of: "key" | "value"): { line: number; column: number };
  problems: Problem[];
}

// Plain scalars that YAML 1.1 (PyYAML, so Ansible) and YAML 1.2 read differently, yaml.org/type.
const DIFFERENT = [
  /^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/,
  /^[-+]?0[0-7_]+$/,
  /^0o[0-7]+$/,
  /^[-+]?0b[01_]+$/,
  /^[-+]?[0-9][0-9]*_[0-9_]*$/,
  /^[-+]?[0-9_]*\.[0-9_]*_[0-9_]*$/,
  /^(y|n|yes|no|on|off)$/i,
  /^\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?$/,
];

/** Reads a YAML file of the inventory; what is wrong with its form is in `problems`. */
export function readSource(file: string, templates: "allowed" | "refused"): Source {
  return parseSource(file, readFileSync(file, "utf8"), templates);
}

/** Whether a plain scalar is a number that a text made of it would not show as it was written, such as 1.0 or 1e3. */
function losesItsForm({ value, source = "" }: Scalar): boolean {
  if (typeof value === "number" && /^[-+]?[0-9]+$/.test(source)) return !Number.isSafeInteger(value) || /^[-+]?0[0-9]/.test(source);
  return typeof value === "number" && !/^0x/.test(source) && String(value) !== source;
}

/** What is wrong with the form of a scalar, for a reader of YAML 1.1 that fills in templates where they are not `allowed`. */
function faultOf(node: Scalar, templates: "allowed" | "refused"): string | undefined {
  const source = node.source ?? "";
  if (node.type === "PLAIN" && (losesItsForm(node) || DIFFERENT.some((form) => form.test(source)))) {
    return `${source} is read differently by YAML 1.1 and 1.2: quote it`;
  }
  if (templates === "refused" && /\{\{|\{%|\{#/.test(source) && node.tag !== "!unsafe")
    return "Ansible fills in templates here: write !unsafe before the text";
  return undefined;
}

/** The same from a text. `!unsafe` is taken as Ansible takes it: a text that is no template. */
export function parseSource(file: string, text: string, templates: "allowed" | "refused"): Source {
  const lines = new LineCounter();
  const customTags = [{ tag: "!unsafe", resolve: (value: string) => value }];
  const document = parseDocument(text, { lineCounter: lines, customTags, uniqueKeys: true });
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults = [...document.errors, ...document.warnings];
  const problems = faults.map((error) => ({ file, ...place(error.pos[0]), message: error.message.split("\n")[0]! }));
  let whole = document.errors.length === 0;
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined || !node.range) return;
      problems.push({ file, ...place(node.range[0]), message: `*${node.source} names no anchor: quote it, if it is a text` });
      whole = false;
    },
    Scalar(_key, node) {
      const message = faultOf(node, templates);
      if (message !== undefined && node.range) problems.push({ file, ...place(node.range[0]), message });
    },
  });
  return {
    file,
    data: whole ? document.toJS() : undefined,
    at: (path, of) => place(offsetOf(document, path, of)),
    problems,
  };
}

/** Where a path stands; where it is missing, the place of what should hold it. */
function offsetOf(document: Document, path: readonly PropertyKey[], of: "key" | "value"): number {
  let node: Node | null = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const step of path) {
    let next: Node | null | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      next = (pair?.value ?? pair?.key) as Node | undefined;
      const place = of === "key" ? pair?.key : next;
      offset = (place as Node | undefined)?.range?.[0] ?? offset;
    } else if (isSeq(node)) {
      next = node.items[Number(step)] as Node | undefined;
      offset = next?.range?.[0] ?? offset;
    }
    if (!next) break;
    node = next;
  }
  return offset;
}
