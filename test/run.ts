// Runs the tests and ends with one line: `N passed, N failed`. `quick` leaves out those that need the lab.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "..");
const quick = process.argv[2] === "quick";
const scratch = mkdtempSync(join(tmpdir(), "homelab-tests-"));

function run(program: string, args: string[]): boolean {
  return spawnSync(program, args, { cwd: root, stdio: "inherit" }).status === 0;
}

function pytest(): [number, number] {
  const report = join(scratch, "pytest.xml");
  const good = run(".venv/bin/pytest", ["-q", `--junitxml=${report}`]);
  const counts = /errors="(\d+)" failures="(\d+)" skipped="(\d+)" tests="(\d+)"/.exec(
    existsSync(report) ? readFileSync(report, "utf8") : "",
  );
  const [errors, failures, skipped, tests] = (counts ?? []).slice(1).map(Number);
  if (counts === null) return [0, 1];
  // A skipped test has shown nothing, so it counts as failed.
  const failed = errors! + failures! + skipped!;
  return [tests! - failed, failed || (good ? 0 : 1)];
}

function jest(): [number, number] {
  const report = join(scratch, "jest.json");
  const some = quick ? ["--testPathIgnorePatterns", "/test/lab/"] : [];
  const good = run("node_modules/.bin/jest", ["--runInBand", "--forceExit", "--json", `--outputFile=${report}`, ...some]);
  if (!existsSync(report)) return [0, 1];
  const said = JSON.parse(readFileSync(report, "utf8")) as Record<string, number>;
  const failed = said["numFailedTests"]! + said["numPendingTests"]! + said["numRuntimeErrorTestSuites"]!;
  return [said["numPassedTests"]!, failed || (good ? 0 : 1)];
}

rmSync(join(root, ".state/test-configured"), { recursive: true, force: true });
const results = [pytest(), jest()];
rmSync(scratch, { recursive: true, force: true });
const passed = results.reduce((sum, [count]) => sum + count, 0);
const failed = results.reduce((sum, [, count]) => sum + count, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
