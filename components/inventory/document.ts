import { readFileSync } from "node:fs";
import { isUtf8 } from "node:buffer";
import { Lexer, LineCounter, type Document, type Node, type Scalar, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import { faultOfPlain } from "./yaml11";

/** Where something stands, from 1 on. */
export interface SourceLocation {
  file: string;
  line: number;
  column: number;
}

/** An error in the configuration: its place, and what is expected. */
export interface Problem extends SourceLocation {
  message: string;
}

type Path = readonly PropertyKey[];

/** A path as a user reads it: names with points between them; what is no plain name stands in quotes. */
export const written = (path: Path): string =>
  path.map((step) => (/^[\w-]+$/.test(String(step)) ? String(step) : JSON.stringify(String(step)))).join(".");

/** A YAML file with the places of its values. */
export interface Source {
  file: string;
  data: unknown;
  /** Where a path stands; where it is missing, the place of what should hold it. */
  at(path: Path, of?: "key" | "value"): SourceLocation;
  /** Where the n-th line of a text stands, from 0 on, when it is a block of lines (`|`); else where the text begins. */
  lineOf(path: Path, line: number): SourceLocation;
  problems: Problem[];
}

type Templates = "allowed" | "rejected";

// The parser's messages (yaml's errors: code and message), in words that tell a user of this project what to do.
const MESSAGES: [printed: RegExp, message: string][] = [
  [/^MULTIPLE_DOCS/, "a second document begins here: a file of an inventory holds one"],
  [/^DUPLICATE_KEY/, "this name is here twice, and only one of them would count"],
  [/^TAB_AS_INDENT/, "a tab: YAML is indented by spaces"],
  [/^BAD_SCALAR_START/, "a text cannot begin like this without quotes: quote it"],
  [/^TAG_RESOLVE_FAILED/, "a tag that is not known here: quote a text that begins with !"],
  [/^BLOCK_AS_IMPLICIT_KEY/, "a second `: ` in one line: quote the text that holds it"],
  [/Missing closing/, "a quote that began above is not closed"],
  [/^\w+ Flow /, "a { or [ that began above is not closed, or what is in it is not indented"],
  [/without - indicator/, "this is no item of the list: an item begins with `- ` in the list's column, and its further lines are indented"],
  [/same column/, "the names of a group begin in the same column"],
  [/followed by map values/, "a name without `: ` and a value"],
];
const VAULT = "a value that is encrypted in place is not read here: secrets are referred to by name, in podman_secrets";
const ENCRYPTED = "the whole file is encrypted: units stay readable, and refer to secrets by name, in podman_secrets";

/** Reads a YAML file of the inventory; what is wrong with its form is in `problems`. */
export function readSource(file: string, templates: Templates): Source {
  const bytes = readFileSync(file);
  if (isUtf8(bytes)) return parseSource(file, bytes.toString("utf8"), templates);
  const source = parseSource(file, "", templates);
  return { ...source, problems: [{ ...source.at([]), message: "it is not UTF-8 text" }] };
}

/** The same from a text. `!unsafe` is taken as Ansible takes it: a text that is no template. */
export function parseSource(file: string, text: string, templates: Templates): Source {
  const lines = new LineCounter();
  const customTags = ["!unsafe", "!vault"].map((tag) => ({ tag, resolve: (value: string) => value }));
  const document = parseDocument(text, { lineCounter: lines, customTags, uniqueKeys: true, prettyErrors: false });
  const place = (offset: number): SourceLocation => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const problems: Problem[] = [];
  const fault = (offset: number, message: string): void => {
    const at = place(offset);
    if (!problems.some(({ line, column }) => line === at.line && column === at.column)) problems.push({ ...at, message });
  };
  if (text.startsWith("$ANSIBLE_VAULT;")) fault(0, ENCRYPTED);
  else {
    for (const error of [...document.errors, ...document.warnings])
      fault(error.pos[0], inOurWords(`${error.code} ${error.message}`) ?? error.message);
    for (const [offset, message] of [...faultsOfText(text), ...faultsOfNodes(document, text, templates)]) fault(offset, message);
  }
  return {
    file,
    data: dataOf(document, () => {
      if (problems.length === 0) fault(0, "its aliases make a huge file of a small one: write it out");
    }),
    at: (path, of = "value") => place(find(document, path, of).offset),
    lineOf: (path, line) => {
      const { node, offset } = find(document, path, "value");
      const first = place(offset);
      if (!isScalar(node) || node.type !== "BLOCK_LITERAL") return first;
      const at = text.split("\n")[first.line + line] ?? "";
      return { file, line: first.line + 1 + line, column: at.length - at.trimStart().length + 1 };
    },
    problems,
  };
}

const inOurWords = (printed: string): string | undefined => MESSAGES.find(([form]) => form.test(printed))?.[1];

/** The content of a document, or undefined where that is unknown. */
function dataOf(document: Document, failed: () => void): unknown {
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS();
  } catch {
    // An alias of nothing, which is reported already, or one alias after the other.
    failed();
    return undefined;
  }
}

type Faults = [offset: number, message: string][];

/** Characters that PyYAML rejects, or takes as the end of a line, and tabs where it wants spaces. */
function faultsOfText(text: string): Faults {
  const faults: Faults = [];
  for (const { index, 0: character } of text.matchAll(
    /(?!^)\ufeff|\r(?!\n)|[^\t\n\r -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu,
  )) {
    const code = character.codePointAt(0)!.toString(16).padStart(4, "0");
    faults.push([index, `the character U+${code.toUpperCase()}: write it in double quotes, as "\\u${code}"`]);
  }
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (/^[ \t]*\t[ \t]*$/.test(token)) faults.push([offset, "a tab: between the parts of YAML stand spaces"]);
    // Some tokens stand for no character, and a byte order mark.
    if (!/^[\u0002\u0018\u001f]$/.test(token)) offset += token.length;
  }
  return faults;
}

/** Returns the errors in single nodes for a reader of YAML 1.1 that fills in templates where they are not `allowed`. */
function faultsOfNodes(document: Document, text: string, templates: Templates): Faults {
  const faults: Faults = [];
  const anchors = new Set<string>();
  const fault = (node: unknown, message: string | undefined): void => {
    const offset = (node as Node | null)?.range?.[0];
    if (message !== undefined && offset !== undefined) faults.push([offset, message]);
  };
  visit(document, {
    Alias: (_key, node) => fault(node, node.resolve(document) === undefined ? `there is no &${node.source} before it` : undefined),
    Pair: (_key, { key }) => {
      if (!isScalar(key) || typeof key.value !== "string") fault(key, "a name is a text: quote it");
    },
    Node: (_key, node) => {
      const { tag, anchor } = node as { tag?: string; anchor?: string };
      if (anchor !== undefined && anchors.has(anchor)) fault(node, `there is an &${anchor} before it: give this one another name`);
      if (anchor !== undefined) anchors.add(anchor);
      if (tag === "!vault" && templates === "rejected") fault(node, VAULT);
      else if (tag?.startsWith("tag:")) fault(node, `a tag of YAML's own (${tag.split(":").at(-1)}): quote a text, write a number plainly`);
    },
  });
  visit(document, {
    Scalar: (_key, node, path) => {
      const inFlow = path.some((parent) => (isMap(parent) || isSeq(parent)) && parent.flow === true);
      fault(node, faultOf(node, templates) ?? readOtherwise(node, text, inFlow));
    },
  });
  return faults;
}

/** Returns the errors in what PyYAML rejects or reads as another text. */
function readOtherwise({ type, tag, value, range, source = "" }: Scalar, text: string, inFlow: boolean): string | undefined {
  if (typeof value !== "string" || !range) return undefined;
  if (type === "PLAIN" && inFlow && /^[:?]|:$/.test(source)) return "a text within { } or [ ] that begins or ends like this: quote it";
  if (type === "QUOTE_DOUBLE" && /\\u[dD][89a-fA-F]/.test(text.slice(range[0], range[1])))
    return "half of a character: write it as it is, or as \\U";
  if (type?.startsWith("BLOCK") && value.endsWith("\n") && range[1] === text.length && !text.endsWith("\n"))
    return "the file ends within this text: end its last line with a newline";
  return tag === "!unsafe" && value === "" ? "an empty text: write it without !unsafe" : undefined;
}

function faultOf(node: Scalar, templates: Templates): string | undefined {
  const fault = node.type === "PLAIN" ? faultOfPlain(node) : undefined;
  if (fault !== undefined) return fault;
  if (typeof node.value === "string" && /\p{Surrogate}/u.test(node.value)) return "half of a character (a lone surrogate)";
  if (templates === "rejected" && /\{\{|\{%|\{#/.test(node.source ?? "") && node.tag !== "!unsafe")
    return "Ansible fills in templates here: write !unsafe before the text";
  return undefined;
}

function find(document: Document, path: Path, of: "key" | "value"): { node: Node | null; offset: number } {
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
    if (!next) return { node: null, offset };
    node = next;
  }
  return { node, offset };
}
