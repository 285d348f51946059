import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stateFolder } from "../../cli/doctor/controller";

test("the folder of state is its user's alone, also one that others could read", () => {
  const folder = mkdtempSync(join(tmpdir(), "setup-"));
  const state = join(folder, ".state");
  const setUp = (): string => {
    execFileSync("sh", ["-c", '. "$0"; umask 022; private_folder "$1"', resolve(__dirname, "../../scripts/setup/lib.sh"), state]);
    return (statSync(state).mode & 0o777).toString(8);
  };
  expect(stateFolder(state)).toEqual([]);
  expect(setUp()).toBe("700");
  expect(stateFolder(state)).toEqual([]);
  rmSync(state, { recursive: true });
  mkdirSync(state);
  chmodSync(state, 0o755);
  writeFileSync(join(state, "stack.json"), "{}");
  expect(stateFolder(state)).toEqual([
    { state: "warn", what: `${state} is readable by other accounts of this machine (mode 0755)`, fix: `chmod 700 ${state}` },
  ]);
  expect(setUp()).toBe("700");
  rmSync(folder, { recursive: true });
});
