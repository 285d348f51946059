// docs/getting-started.md, followed word for word on a clean clone. Only what it says of each command is written again here.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "./pulumi";
import { run } from "./run";

jest.setTimeout(5_400_000);

const clone = join(mkdtempSync(join(tmpdir(), "homelab-clone-")), "homelab");
const page = readFileSync(join(projectRoot, "docs/getting-started.md"), "utf8");

/** The blocks of code of the page, in its order, without comments at the end of a line. */
const blocks = [...page.matchAll(/```(sh|yaml)\n([^]*?)```/g)].map(([, language, text]) => ({
  language: language!,
  text: text!,
  lines: text!
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""))
    .filter(Boolean),
}));

/** What each command prints. A page with another command, or without one of these, fails. */
const SAID: Record<string, RegExp> = {
  "npm run lab": /http:\/\/127\.0\.0\.1:8080/,
  "npx pulumi preview --stack lab --diff": /Resources:\n +\d+ unchanged\n/,
  "curl http://127.0.0.1:8080/": /Hello from hv/,
  "ssh -F ansible/inventory/lab/ssh_config app": /^/,
  "ssh -F ansible/inventory/lab/ssh_config hv sudo virsh list --all": / running\n/,
  "(cd ansible && ../.venv/bin/ansible-playbook site.yml --check --diff)": /(hv|app) .*changed=0 [^]*(hv|app) .*changed=0 /,
  "npx pulumi stack select lab": /^/,
  "npx pulumi preview --diff": /\+ 1 to create[^]*verified on the host/,
  "npx pulumi up --yes": /\+ 1 created|- 1 deleted/,
  "curl http://127.0.0.1:8081/": /<h1>Hello<\/h1>/,
  "npm run status -- lab": /in sync/,
  "ssh -F ansible/inventory/lab/ssh_config hv sudo systemctl --user -M web@ stop hello.service": /^/,
  "npx pulumi preview": /drift outside this plan[^]*hello\.service is (failed|inactive)/,
  "npx pulumi up --refresh --yes": /~ 1 updated/,
  "npm run undeclared -- hv": /^(?![^]*hello)/,
  "npm run lab:reset": /back to the state after the first boot/,
  "npm run lab:down": /stopping the lab/,
};

const VARS = join(clone, "ansible/inventory/lab/host_vars/hv.yml");

beforeAll(() => run(["git", "clone", "--quiet", projectRoot, clone]));

afterAll(() => rmSync(join(clone, ".."), { recursive: true, force: true }));

test("each command does what the page says", async () => {
  const commands = blocks.filter(({ language }) => language === "sh").flatMap(({ lines }) => lines);
  const exports = commands.filter((line) => line.startsWith("export "));
  expect([...new Set(commands)].filter((line) => !exports.includes(line)).sort()).toEqual(Object.keys(SAID).sort());

  const declared = readFileSync(VARS, "utf8");
  const up = [];
  for (const { language, text, lines } of blocks) {
    if (language === "yaml") writeFileSync(VARS, declared.replace("\nquadlet_units:\n", `$&${text}`));
    // The last section removes what the page added.
    if (lines.some((line) => line.startsWith("npm run undeclared"))) writeFileSync(VARS, declared);
    for (const line of lines.filter((one) => language === "sh" && !one.startsWith("export "))) {
      const script = `cd "$1"; ${lines === blocks[0]!.lines ? "" : exports.join("; ")}\n${line}`;
      const { code, stdout, stderr } = await run(["bash", "-c", script, "bash", clone], { check: false, timeoutSeconds: 3600 });
      expect([line, code, stdout + stderr]).toEqual([line, 0, expect.stringMatching(SAID[line]!)]);
      if (line === "npx pulumi up --yes") up.push(/(created|deleted)/.exec(stdout)![1]);
    }
  }
  expect(up).toEqual(["created", "deleted"]);
});
