// Runs the tests and ends with one line: `N passed, N failed`. `quick` leaves out those that need the lab, `long` runs
// those of the lab that take longer than `all` may (*.long.test.ts).
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { corpusFolder } from "./lab/corpus";
import { keptDir } from "./lab/paths";

const root = resolve(__dirname, "..");
const which = process.argv[2];
const scratch = mkdtempSync(join(tmpdir(), "homelab-tests-"));

type Counts = [passed: number, failed: number];

const LONG = "\\.long\\.test\\.ts$";
const GUEST = "\\.guest\\.test\\.ts$";

// Data that lies beside the project: CI must have it, others may go without.
const noCorpus = !process.env["CI"] && !existsSync(corpusFolder);
const CORPUS = noCorpus ? ["--testPathIgnorePatterns", "/corpus\\.(long\\.)?test\\.ts$"] : [];

/** Runs a program, whose output is ours; says whether it ended well. */
function run(program: string, args: string[]): Promise<boolean> {
  const child = spawn(program, args, { cwd: root, stdio: "inherit" });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done(code === 0));
  });
}

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

async function pytest(): Promise<Counts> {
  const report = join(scratch, "pytest.xml");
  const good = await run(".venv/bin/pytest", ["-q", `--junitxml=${report}`]);
  const counts = /errors="(\d+)" failures="(\d+)" skipped="(\d+)" tests="(\d+)"/.exec(textOf(report));
  if (counts === null) return [0, 1];
  const [errors, failures, skipped, tests] = counts.slice(1).map(Number);
  // A skipped test has shown nothing, so it counts as failed.
  const failed = errors! + failures! + skipped!;
  return [tests! - failed, failed || (good ? 0 : 1)];
}

/** What `jest --json` reports; times are in ms. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numRuntimeErrorTestSuites: number;
  testResults: { assertionResults: { title: string; duration?: number | null }[] }[];
}

/** Where the time of a run goes. */
function tellOfSlow({ testResults }: Report): void {
  for (const { title, duration } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    if ((duration ?? 0) >= 20_000) console.log(`${String(Math.round(duration! / 1000)).padStart(5)} s  ${title}`);
  }
}

async function jest(...args: string[]): Promise<Counts> {
  const report = join(scratch, "jest.json");
  const good = await run("node_modules/.bin/jest", ["--runInBand", "--forceExit", "--json", `--outputFile=${report}`, ...args]);
  if (!existsSync(report)) return [0, 1];
  const said = JSON.parse(textOf(report)) as Report;
  tellOfSlow(said);
  const failed = said.numFailedTests + said.numPendingTests + said.numRuntimeErrorTestSuites;
  return [said.numPassedTests, failed || (good ? 0 : 1)];
}

async function main(): Promise<void> {
  rmSync(keptDir, { recursive: true, force: true });
  const pattern = { long: LONG, guest: GUEST }[which ?? ""];
  const results = pattern ? [await jest(pattern, ...CORPUS)] : [await pytest()];
  if (which === "quick") results.push(await jest("--testPathIgnorePatterns", "/test/lab/"));
  if (which === "all") results.push(await jest("--testPathIgnorePatterns", LONG, GUEST, ...CORPUS));
  rmSync(scratch, { recursive: true, force: true });
  const passed = results.reduce((sum, [count]) => sum + count, 0);
  const failed = results.reduce((sum, [, count]) => sum + count, 0);
  if (which !== "quick" && noCorpus) {
    console.log(
      `the tests of the corpus were left out: there is no ${corpusFolder}; HOMELAB_CORPORA may name the folder that holds quadlet/`,
    );
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

void main();
