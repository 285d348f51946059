// Writes the files that follow from the table of kinds, or with --check reports those that are out of date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { roleFiles } from "./roles";
import { jsonSchemaFiles } from "./json-schema";
import { pythonFiles } from "./python";
import { root } from "./project";
import { referenceFiles } from "./reference";

export { root };

/** All generated files: their texts by their paths, relative to the project. */
export function generated(): Record<string, string> {
  return { ...roleFiles(), ...pythonFiles(), ...jsonSchemaFiles(), ...referenceFiles() };
}

/** The paths of generated files whose text on disk is another one. */
export const outdated = (texts = generated()): string[] =>
  Object.entries(texts)
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), "utf8") !== text)
    .map(([path]) => path);

function main(): void {
  const texts = generated();
  const paths = outdated(texts);
  if (process.argv.includes("--check")) {
    for (const path of paths) console.error(`${path} is out of date: run "npm run generate"`);
    process.exitCode = paths.length > 0 ? 1 : 0;
    return;
  }
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), texts[path]!);
    console.log(`wrote ${path}`);
  }
}

if (require.main === module) main();
