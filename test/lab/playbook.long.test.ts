// The command that components/playbook.ts composes, run on the lab as the plugin of @pulumi/command runs it.
import * as pulumi from "@pulumi/pulumi";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { relative } from "node:path";
import { Playbook } from "../../components/playbook";
import { type Lab } from "./lab";
import { configured, inventory } from "./project";
import { projectRoot } from "./pulumi";

jest.setTimeout(300_000);

let lab: Lab;
const composed: Command[] = [];

interface Command {
  interpreter: string[];
  create: string;
  stdin: string;
}

beforeAll(async () => {
  await pulumi.runtime.setMocks({
    call: () => ({}),
    newResource: ({ type, name, inputs }) => {
      if (type === "command:local:Command") composed.push(inputs as Command);
      return { id: name, state: { ...(inputs as object), stdout: "{}" } };
    },
  });
  lab = await configured();
});

afterAll(() => lab.reset());

const TEXT = `it's "this": $(touch /tmp/x) \`id\` {{ 1 + 1 }} \u00e9`;

/** Composes and runs a playbook; `seen` are the command lines of all processes while it ran. */
async function play(vars: Record<string, unknown>) {
  const place = { host: "hv", inventory: relative(projectRoot, inventory) };
  const { recap } = new Playbook("look", { playbook: "test/lab/playbook.yml", ...place, vars });
  await new Promise((done) => void recap.apply(done));
  const { interpreter, create, stdin } = composed.pop()!;
  const child = spawn(interpreter[0]!, [...interpreter.slice(1), create], { cwd: projectRoot });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => void (said.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => void (said.stderr += chunk.toString()));
  child.stdin.end(stdin);
  let seen = "";
  const look = setInterval(() => void (seen += commandLines()), 50);
  const code = await new Promise((done) => child.on("close", done));
  clearInterval(look);
  return { code, seen, ...said };
}

/** The command lines and environments of all processes. */
function commandLines(): string {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.flatMap((id) => ["cmdline", "environ"].map((file) => contents(`/proc/${id}/${file}`))).join("\n");
}

function contents(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

const vars = { text: TEXT, digest: createHash("sha256").update(TEXT).digest("hex") };

test("a playbook of one's own gets its variables as they are, seen by nobody, and tells its recap", async () => {
  const { code, stdout, stderr, seen } = await play(vars);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual({ hv: { ok: 2, changed: 0, unreachable: 0, failed: 0 } });
  expect(seen).toMatch(/ansible-playbook[^]*playbook\.yml/);
  expect(seen).not.toContain(vars.digest);
});

test("one that fails tells the task, what it said, and the recap", async () => {
  const { code, stdout, stderr } = await play({ ...vars, disk: "full" });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe("test/lab/playbook.yml failed:\nhv: failed: Save: the disk is full\nhv: ok=2 changed=0 unreachable=0 failed=1\n");
});
