// Texts of a host on the operator's terminal: they may show themselves, and do nothing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recapOf } from "../../providers/ansible/user-playbook";
import { startAlone } from "../../providers/ansible/run";
import { runAsRoot } from "../../providers/ssh/connection";
import { observe } from "../../providers/ssh/observe";
import { printable, printableIn } from "../../providers/untrusted";
import { render, undeclaredIn } from "../../cli/undeclared/list";

jest.mock("../../providers/ssh/connection");

test.each([
  ["a sequence that writes the clipboard", "\u001b]52;c;aWQ=\u0007", "\\x1b]52;c;aWQ=\\x07"],
  ["one that erases lines, by C1", "\u009b2Kgone", "\\x9b2Kgone"],
  ["lines of OpenSSH", "denied\r\nclosed\r\n", "denied\nclosed\n"],
  ["a line that is written over", "rejected\rin sync", "rejected\\x0din sync"],
  ["a backspace and DEL", "a\b\u007f", "a\\x08\\x7f"],
  ["text in the other direction", "\u202eabc\u2066", "\\u202eabc\\u2066"],
  ["lines that only some programs break", "a\u2028b\u2029c\u0085d", "a\\u2028b\\u2029c\\x85d"],
  ["markup of Pulumi", "<{%fg 1%}>red<{%reset%}>", "<\\x7b%fg 1%}>red<\\x7b%reset%}>"],
  ["markup behind a control character", "<\u0000{%fg 1%}>", "<\\x00{%fg 1%}>"],
  ["what anybody writes", "größer than 1 %:\n\t{{ x }} \u{1f600} \\x1b 日本", "größer than 1 %:\n\t{{ x }} \u{1f600} \\x1b 日本"],
])("%s", (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(printable(shown)).toBe(shown);
});

test("a value keeps its shape", () => {
  const value = { "a\u001b": [1, null, true, { b: "\u0007" }], facts: { ports: [{ host_port: 8080 }] } };
  expect(printableIn(value)).toEqual({ "a\\x1b": [1, null, true, { b: "\\x07" }], facts: { ports: [{ host_port: 8080 }] } });
});

const HOSTILE = "\u001b[2J\r<{%fg 1%}>";
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|<\{%/;

test("results and output of Ansible", async () => {
  const folder = mkdtempSync(join(tmpdir(), "untrusted-"));
  writeFileSync(join(folder, "hosts.yml"), "all: { hosts: { h: } }\n");
  writeFileSync(join(folder, "hostile"), HOSTILE);
  const command = { "ansible.builtin.command": `cat ${join(folder, "hostile")}`, register: "done" };
  const tasks = [command, { "ansible.builtin.debug": { var: "done.stdout" } }, { "ansible.builtin.fail": { msg: "{{ done.stdout }}" } }];
  writeFileSync(join(folder, "play.yml"), JSON.stringify([{ hosts: "all", gather_facts: false, tasks }]));
  const connection = JSON.stringify({ ansible_connection: "local" });
  const run = await startAlone(["-i", join(folder, "hosts.yml"), "--extra-vars", connection, join(folder, "play.yml")], 60_000);
  rmSync(folder, { recursive: true });
  expect(run.events).toContainEqual(expect.objectContaining({ event: "failed", msg: "\\x1b[2J\\x0d<\\x7b%fg 1%}>" }));
  expect(run.output).toContain("[2J");
  expect(run.output).not.toMatch(OBEYED);
  expect(() => recapOf("a.yml", "h", run)).toThrow("failed: ansible.builtin.fail: \\x1b[2J");
}, 60_000);

test("what observers found, and why they could not", async () => {
  const objects = [{ name: `web/${HOSTILE}.container`, owner: HOSTILE, present: true }];
  const facts = { "quadlet-unit": objects, pool: { error: HOSTILE } };
  const answers = [{ observations: [{ name: "survey", present: true, differences: HOSTILE, facts }] }, { error: HOSTILE }];
  jest.mocked(runAsRoot).mockResolvedValue(`motd ${HOSTILE}\n${JSON.stringify(answers)}\n`);
  const wanted = { host: "h", inventory: "i", owner: "lab", unit: {} };
  const [survey, failed] = await Promise.all([
    observe({ ...wanted, kind: "survey" }),
    observe({ ...wanted, kind: "vlan", unit: { name: "x" } }).catch((error: unknown) => error as Error),
  ]);
  const shown = render("h", "i", "lab", undeclaredIn("h", survey.facts, new Set(), []));
  expect(shown).toContain("\\x1b[2J\\x0d");
  for (const text of [shown, survey.differences, (failed as Error).message]) expect(text).not.toMatch(OBEYED);
  jest.mocked(runAsRoot).mockResolvedValue(HOSTILE);
  await expect(observe({ ...wanted, kind: "vlan" })).rejects.toThrow("h: the observers' answer cannot be read: \\x1b[2J\\x0d");
});
