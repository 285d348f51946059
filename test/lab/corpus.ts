// Native Quadlet files of Podman's own tests, as units, with the ones that they name.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { projectRoot } from "./pulumi";

/** A file of the corpus. `refused` is what the generator says when it must not take it. */
export interface CorpusFile {
  path: string;
  name: string;
  text: string;
  refused: string | undefined;
}

export const corpusFolder = join(resolve(process.env["HOMELAB_CORPORA"] ?? join(projectRoot, "../shared/corpora")), "quadlet");

/** Units that files of the corpus name and that are no part of it, by what the files expect of them. */
export const SIBLINGS: Record<string, string> = {
  "basic.volume": "[Volume]\n",
  "name.container": "[Container]\nImage=localhost/imagename\nContainerName=foobar\n",
  "service-name.build": "[Build]\nServiceName=basic\nImageTag=localhost/imagename\nSetWorkingDirectory=unit\n",
  "service-name.volume": "[Volume]\nServiceName=basic\nVolumeName=test-volume\n",
  "merged.container": "[Container]\nImage=localhost/imagename\nEnvironment=FIRST=value\n",
  "merged-override.container": "[Container]\nImage=localhost/imagename\nEnvironment=FIRST=value\n",
};

/** Every file but the README. Throws where there is no corpus: a test of it that did not run has shown nothing. */
export function readCorpus(): CorpusFile[] {
  if (!existsSync(corpusFolder)) {
    throw new Error(`${corpusFolder} is not there, so nothing is tried: set HOMELAB_CORPORA to the folder that holds quadlet/.`);
  }
  const entries = readdirSync(corpusFolder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile() && entry.name !== "README.md").map((entry) => join(entry.parentPath, entry.name));
  return paths.sort().map((path) => {
    const text = readFileSync(path, "utf8");
    const refused = /^## assert-failed$/m.test(text) ? /^## assert-stderr-contains "(.*)"$/m.exec(text)![1]! : undefined;
    return { path, name: basename(path), text, refused };
  });
}

/** The file's path beside its unit: a drop-in lies in a folder of its unit's name. */
export const besideUnit = ({ path, name }: CorpusFile): string => (name.endsWith(".conf") ? `${basename(dirname(path))}/${name}` : name);
