// The command as it is typed, as far as it goes without a host.
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../../..");
jest.setTimeout(120_000);

function doctor(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((done) =>
    execFile(process.execPath, ["cli/run.js", "doctor", ...args], { cwd: root, env: process.env }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    ),
  );
}

test("a host that no inventory has is told with those that there are", async () => {
  const { code, said } = await doctor("nobody");
  expect(said).toMatch(/fail {2}no inventory has a host nobody\n.*The hosts are:\n +ansible\/inventory\/lab: hv, app\n/);
  expect(code).toBe(1);
});

test("an inventory with errors is told with all of them, and its hosts are not asked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "inventory-"));
  cpSync(join(root, "ansible/inventory/prod"), folder, { recursive: true });
  writeFileSync(join(folder, "host_vars/hypervisor.yml"), "bridges: [{ name: br0, prots: [] }]\nvlans: 7\n");
  const { code, said } = await doctor("hypervisor", "--inventory", folder);
  rmSync(folder, { recursive: true });
  expect(said).toMatch(/fail {2}.*has 2 errors[^]*hypervisor.yml:1:24: bridges.0.prots: unknown key[^]*hypervisor.yml:2:8: vlans/);
  expect(said).not.toMatch(/logged in|no host key/);
  expect(code).toBe(1);
});

test("without a host, a host whose key is not known is something to look at, no failure", async () => {
  const { code, said } = await doctor("--stack", "prod");
  expect(said).toMatch(/warn {2}hypervisor: no host key is known for "192.0.2.10"/);
  expect([code, said]).toEqual([0, expect.stringMatching(/ 0 to fix\n$/)]);
});

test("what makes no sense is answered with how it is used", async () => {
  for (const args of [
    ["a", "b"],
    ["--host", "a"],
  ]) {
    expect(await doctor(...args)).toEqual({ code: 2, said: expect.stringMatching(/npm run doctor -- <host>/) });
  }
});
