import * as pulumi from "@pulumi/pulumi";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Playbook, type PlaybookArgs } from "../../components/playbook";

const root = resolve(__dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "playbook-"));
const playbook = join(folder, "backup.yml");
const made: { type: string; inputs: Record<string, unknown> }[] = [];

beforeAll(async () => {
  mkdirSync(join(folder, "roles"));
  writeFileSync(playbook, "one");
  writeFileSync(join(folder, "roles/main.yml"), "one");
  await pulumi.runtime.setMocks({
    call: () => ({}),
    newResource: async ({ type, name, inputs }) => {
      // What a command waits for takes its time.
      if (type.endsWith("StackReference")) await new Promise((done) => setTimeout(done, 100));
      made.push({ type, inputs: inputs as Record<string, unknown> });
      return { id: name, state: { ...inputs, stdout: '{"hv":{"ok":2,"changed":1,"unreachable":0,"failed":0}}\n' } };
    },
  });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The command that a playbook is composed of, and its recap. */
async function compose(args: Partial<PlaybookArgs> = {}, opts?: pulumi.ComponentResourceOptions) {
  const one = new Playbook("backup", { playbook, host: "hv", inventory: "inventory", ...args }, opts);
  const recap = await new Promise((done) => void one.recap.apply(done));
  return { recap, inputs: made.filter(({ type }) => type === "command:local:Command").at(-1)!.inputs };
}

test("nothing of the configuration is on the command line or in the environment, whatever it says", async () => {
  const vars = { text: '"; touch /tmp/x; $(id) `id` {{ 1 + 1 }}', list: [1, null, { deep: true }], later: pulumi.output("later") };
  const { inputs, recap } = await compose({ vars, host: "$(id)" });
  const { stdin, triggers, ...rest } = inputs;
  expect(rest).toEqual({
    interpreter: ["node", "--eval"],
    create: 'require("@homelab/providers").playbookFromStdin()',
    addPreviousOutputInEnv: false,
    logging: "stderr",
  });
  expect(JSON.parse(stdin as string)).toEqual({ playbook, inventory: "inventory", host: "$(id)", vars: { ...vars, later: "later" } });
  expect(triggers).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  expect(recap).toEqual({ hv: { ok: 2, changed: 1, unreachable: 0, failed: 0 } });
});

test("it runs again when the playbook, a file of it or a variable changes, and else not", async () => {
  const args = { files: [join(folder, "roles")], vars: { keep: 7 } };
  const trigger = async (more: Partial<PlaybookArgs> = {}) => (await compose({ ...args, ...more })).inputs["triggers"];
  const before = await trigger();
  expect(await trigger()).toEqual(before);
  expect(await trigger({ vars: { keep: 8 } })).not.toEqual(before);
  writeFileSync(join(folder, "roles/main.yml"), "two");
  const role = await trigger();
  expect(role).not.toEqual(before);
  writeFileSync(playbook, "two");
  expect(await trigger()).not.toEqual(role);
  await expect(compose({ files: ["nowhere"] })).rejects.toThrow("a playbook's file nowhere: there is no such file in the project");
});

test("what is secret among the variables is secret in the command", async () => {
  const { inputs } = await compose({ vars: { password: pulumi.secret("s3cret") } });
  expect([inputs["stdin"], inputs["triggers"], inputs["create"]].map(pulumi.runtime.isRpcSecret)).toEqual([true, true, false]);
});

test("it waits for what it depends on", async () => {
  const host = new pulumi.StackReference("slow");
  await compose({}, { dependsOn: [host] });
  const order = made.map(({ type }) => type);
  expect(order.indexOf("pulumi:pulumi:StackReference")).toBeLessThan(order.lastIndexOf("command:local:Command"));
  expect(order.indexOf("pulumi:pulumi:StackReference")).toBeGreaterThan(-1);
});

test("the plugin of @pulumi/command is asked for by this component alone", () => {
  const code = `
    const loaded = () => Object.keys(require.cache).some((file) => /@pulumi.command/.test(file));
    require("@homelab/components");
    const before = loaded();
    require("@homelab/components/playbook");
    console.log(before, loaded());`;
  expect(execFileSync(process.execPath, ["--eval", code], { cwd: root, encoding: "utf8" })).toBe("false true\n");
});
