// How Ansible gets a request with a program's secrets, and what is left of it when the program is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runPlaybook } from "../../providers/ansible/run";
import { digestOf } from "../../providers/podman-secret/digest";

const folder = mkdtempSync(join(tmpdir(), "given-"));
const scratch = join(folder, "tmp");
const SECRET = "a secret of a program";

beforeAll(() => {
  mkdirSync(scratch);
  writeFileSync(join(folder, "ssh_config"), "Host h\n  HostName 127.0.0.1\n  Port 1\n");
  writeFileSync(join(folder, "hosts.yml"), "all: { hosts: { h: } }\n");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The files below the temporary folder that have the secret. */
const withSecret = (): string[] =>
  (readdirSync(scratch, { recursive: true }) as string[])
    .map((name) => join(scratch, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path, "utf8").includes(SECRET));

test("a request is read as often as it takes, by the roles and by the lookup of secrets", async () => {
  const unit = { user: "web", name: "db", digest: digestOf("a key of sixteen characters", SECRET) };
  const request = { owner: "lab", resources: { "podman-secret": [unit] }, absent: {}, values: { "web/db": SECRET } };
  const { events } = await runPlaybook(folder, "h", request);
  expect(events.filter(({ event }) => event === "failed")).toEqual([]);
  expect(events).toContainEqual(expect.objectContaining({ event: "unreachable", task: "request : Reach the host" }));
}, 60_000);

/** A playbook for this machine, as the host of the inventory. */
function playbook(tasks: object[]): string {
  const file = join(folder, "play.yml");
  writeFileSync(file, JSON.stringify([{ hosts: "all", gather_facts: false, vars: { ansible_connection: "local" }, tasks }]));
  return file;
}

/** A program of its own that runs such a playbook, as components/playbook.ts does. */
function start(file: string, vars: object): ChildProcess {
  const child = spawn(process.execPath, ["-r", "ts-node/register/transpile-only", "-e", PROGRAM], {
    cwd: resolve(__dirname, "../.."),
    env: { ...process.env, TMPDIR: scratch },
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin!.end(JSON.stringify({ playbook: file, inventory: folder, host: "h", vars }));
  return child;
}

const PROGRAM = 'require("./providers/ansible/user-playbook").playbookFromStdin()';
const ended = (child: ChildProcess): Promise<number | null> => new Promise((done) => child.on("close", done));

test("variables reach a playbook as values, whatever stands in them, and no command line", async () => {
  const written = join(folder, "vars.json");
  const vars = {
    a: ["{{ 1 + 1 }}", "\u2028\u0001\u{1f600}'\"\\\n", "yes", "0755", true, 0.5, null, {}],
    b: SECRET,
    "ä-{{ x }}": {},
    c: false,
  };
  const content = "{{ [a, b, c, lookup('ansible.builtin.file', '/proc/self/cmdline')] | to_json }}";
  const copy = { "ansible.builtin.copy": { content, dest: written }, when: "not c" };
  expect(await ended(start(playbook([copy]), vars))).toBe(0);
  const [a, b, c, command] = JSON.parse(readFileSync(written, "utf8")) as unknown[];
  expect([a, b, c]).toEqual([vars.a, SECRET, false]);
  expect(command).toMatch(/ansible-playbook/);
  expect(command).not.toContain(SECRET);
}, 60_000);

test("a program that is killed leaves nothing of what it gave", async () => {
  const begun = join(folder, "begun");
  const copy = { "ansible.builtin.copy": { content: "{{ given }}", dest: begun }, loop: [1, 2] };
  const wait = { "ansible.builtin.command": "sleep 2" };
  const child = start(playbook([copy, wait, wait]), { given: SECRET });
  while (!existsSync(begun) && child.exitCode === null) await new Promise((done) => setTimeout(done, 50));
  expect(withSecret()).toEqual([]);
  child.kill("SIGKILL");
  await ended(child);
  expect(withSecret()).toEqual([]);
  expect(readFileSync(begun, "utf8")).toBe(SECRET);
}, 60_000);
