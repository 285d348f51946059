import { playbookRequest, recapOf } from "../../providers/ansible/user-playbook";

const counts = { ok: 1, changed: 0, unreachable: 0, failed: 0 };

test("a connection's settings are no variables of a playbook", () => {
  const request = { playbook: "a.yml", inventory: "i", host: "hv", vars: { ansible_ssh_common_args: "-o StrictHostKeyChecking=no" } };
  expect(() => playbookRequest(request)).toThrow(
    /^playbook a\.yml:\n.*connection settings live in ssh_config[^]*vars\.ansible_ssh_common_args/,
  );
});

test("a recap is what Ansible counted; a failure tells the task, its words and the counts", () => {
  const recap = { event: "recap" as const, recap: { hv: counts } };
  expect(recapOf("a.yml", "hv", { code: 0, events: [recap], output: "" })).toEqual({ hv: counts });
  const failed = { event: "failed" as const, host: "hv", task: "Save", msg: "disk is full" };
  const run = { code: 2, events: [failed, { ...recap, recap: { hv: { ...counts, failed: 1 } } }], output: "long" };
  expect(() => recapOf("a.yml", "hv", run)).toThrow(
    "a.yml failed:\nhv: failed: Save: disk is full\nhv: ok=1 changed=0 unreachable=0 failed=1",
  );
  expect(() => recapOf("a.yml", "hv", { code: 4, events: [], output: "a.yml: syntax error" })).toThrow(
    "a.yml failed:\na.yml: syntax error",
  );
});

test("a playbook that leaves its host out is told", () => {
  expect(() => recapOf("a.yml", "hv", { code: 0, events: [{ event: "recap", recap: {} }], output: "" })).toThrow(
    "a.yml ran on no host: none of its plays has hv among its hosts",
  );
});
