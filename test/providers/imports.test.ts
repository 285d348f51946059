// What Python imports on a host: nothing from the folder in which a login begins. The host is this machine, and so is the folder.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startAlone } from "../../providers/ansible/run";
import { runAsRoot } from "../../providers/ssh/connection";
import { observe } from "../../providers/ssh/observe";

jest.mock("../../providers/ssh/connection");

const ansible = resolve(__dirname, "../../ansible");
const login = mkdtempSync(join(tmpdir(), "login-"));

beforeAll(() => {
  const leave = `open(${JSON.stringify(join(login, "imported"))}, "w")\n`;
  for (const name of ["datetime", "json", "zlib", "base64", "homelab", "ansible"]) writeFileSync(join(login, `${name}.py`), leave);
});

afterAll(() => rmSync(login, { recursive: true }));

const observed = { kind: "sysctl", host: "h", inventory: "i", owner: "lab", unit: { name: "x", settings: { "kernel.threads-max": 4242 } } };

test("an observer", async () => {
  jest.mocked(runAsRoot).mockImplementation((_file, _host, [program, ...args], input) => {
    const { stdout, stderr } = spawnSync(program!, args, { cwd: login, input, encoding: "utf8" });
    return Promise.resolve(stdout || stderr);
  });
  await expect(observe(observed)).resolves.toMatchObject({ name: "x" });
  expect(existsSync(join(login, "imported"))).toBe(false);
});

test("a kind's module, and the one that looks at all kinds", async () => {
  // The folder of the playbook is where commands run that are started on this machine.
  for (const name of ["roles", "library", "module_utils", "lookup_plugins", "filter_plugins"])
    symlinkSync(join(ansible, name), join(login, name));
  copyFileSync(join(ansible, "site.yml"), join(login, "site.yml"));
  const host = { ansible_become: false, homelab_owner: "lab", sysctls: [observed.unit] };
  writeFileSync(join(login, "hosts.yml"), JSON.stringify({ all: { hosts: { h: host } } }));
  const connection = JSON.stringify({ ansible_connection: "local", ansible_pipelining: true });
  const { events, output } = await startAlone(
    ["-i", join(login, "hosts.yml"), "--check", "--extra-vars", connection, join(login, "site.yml")],
    60_000,
  );
  expect(output).not.toMatch(/Traceback/);
  expect(events).toContainEqual(expect.objectContaining({ event: "detected", out_of_sync: ["sysctl"] }));
  expect(events).toContainEqual(expect.objectContaining({ event: "result", kind: "sysctl" }));
  expect(existsSync(join(login, "imported"))).toBe(false);
}, 60_000);
