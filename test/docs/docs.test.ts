// The documentation: its links lead somewhere, its commands exist, its YAML is what the loader accepts.
import { existsSync, readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join, normalize } from "node:path";
import { parse } from "yaml";
import { hostSettings } from "../../components/inventory/schema";
import { definitions } from "../../providers/kinds";
import { root } from "../../scripts/generate";

const files = (...patterns: string[]): string[] =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns], { cwd: root, encoding: "utf8" })
    .trim()
    .split("\n");
const pages = files("*.md").filter((page) => existsSync(join(root, page)));
const textOf = (page: string): string => readFileSync(join(root, page), "utf8");
const withoutCode = (text: string): string => text.replaceAll(/```[^]*?```/g, "").replaceAll(/`[^`\n]*`/g, "");

/** The names by which a page's headings are linked to. */
const anchorsOf = (page: string): string[] =>
  [
    ...textOf(page)
      .replaceAll(/```[^]*?```/g, "")
      .matchAll(/^#+ (.*)$/gm),
  ].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );

test.each(pages)("the links of %s lead to what exists", (page) => {
  const broken = [...withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^https?:/.test(link!)) return [];
    const [path, anchor] = link!.split("#");
    const target = path === "" ? page : normalize(join(dirname(page), path!));
    if (!existsSync(join(root, target))) return [link!];
    return anchor !== undefined && !anchorsOf(target).includes(anchor) ? [link!] : [];
  });
  expect(broken).toEqual([]);
});

test("every page of docs/ is linked from its index", () => {
  const index = textOf("docs/index.md") + textOf("docs/decisions/README.md") + textOf("docs/reference/README.md");
  const lost = pages.filter(
    (page) => page.startsWith("docs/") && page !== "docs/index.md" && !index.includes(`(${page.split("/").at(-1)!})`),
  );
  const linked = lost.filter((page) => !index.includes(page.slice("docs/".length)));
  expect(linked).toEqual([]);
});

test("README fits on a screen or two", () => {
  expect(textOf("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(80);
});

const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };

test.each(pages)("the npm scripts that %s names exist", (page) => {
  const named = [...textOf(page).matchAll(/\bnpm run ([a-z:]+)/g)].map(([, name]) => name!);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test("the pictures are valid XML with a title", () => {
  for (const picture of files("*.svg")) {
    execFileSync(join(root, ".venv/bin/python"), [
      "-c",
      "import sys, xml.etree.ElementTree as E; E.parse(sys.argv[1])",
      join(root, picture),
    ]);
    expect(textOf(picture)).toMatch(/<title>[^<]{20,}<\/title>/);
  }
});

// Keys of lists that a page shows in part.
const KEYS = new Set<string>([
  ...definitions.map(({ list }) => list),
  ...Object.keys(hostSettings.shape),
  "retired_hosts",
  "homelab_secret_key",
]);

test.each(pages)("the YAML of %s can be parsed, and uses the inventory's keys", (page) => {
  for (const [, text] of textOf(page).matchAll(/```yaml\n([^]*?)```/g)) {
    const data: unknown = parse(text!);
    if (typeof data === "object" && data !== null && !Array.isArray(data))
      expect(Object.keys(data).filter((key) => !KEYS.has(key) && key !== "secrets")).toEqual([]);
  }
});

/** The commands of a page's shell blocks, without their comments. */
const commandsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) =>
    block!
      .split("\n")
      .map((line) => line.replace(/\s+#.*$/, "").trim())
      .filter(Boolean),
  );

test("what README shows of the lab is what getting-started and the lab's tests run", () => {
  const tour = commandsOf("README.md").filter((line) => /--stack lab|127\.0\.0\.1|inventory\/lab|site\.yml/.test(line));
  expect(tour.length).toBeGreaterThanOrEqual(5);
  const followed = commandsOf("docs/getting-started.md");
  for (const line of tour) expect(followed).toContain(line);
});

test("the changelog names every kind by its list", () => {
  const text = textOf("CHANGELOG.md");
  expect(definitions.map(({ list }) => list).filter((list) => !text.includes(`\`${list}\``))).toEqual([]);
});
