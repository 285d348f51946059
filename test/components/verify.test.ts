import { type Run, type ResourceResult } from "@homelab/providers";
import {
  type Plan,
  type Verdict,
  findingOf,
  warningsOf,
  isUnasked,
  leavingOf,
  massRemovalOf,
  summaryOf,
  verdictsOf,
} from "../../components/verify/findings";

const result = (more: Partial<ResourceResult>): ResourceResult => ({
  name: "apps",
  changed: true,
  failed: false,
  present: true,
  msg: "",
  diff: "",
  disruption: "",
  affected: [],
  facts: {},
  ...more,
});
const run = (...events: Run["events"]): Run => ({ code: 0, events, output: "" });
const ids = ["hv/host", "hv/vlan/apps", "hv/vlan/iot", "hv/quadlet-unit/web/web.container"];
const hosts = new Map([
  ["hv", ids],
  ["app", ["app/nftables-table/inet/guard"]],
]);
const whole: Run["events"] = [
  { event: "detected", host: "hv", out_of_sync: ["vlan", "quadlet-unit"] },
  { event: "detected", host: "app", out_of_sync: [] },
  { event: "result", host: "hv", kind: "vlan", resources: [result({ diff: "-a\n+b" }), result({ name: "iot", changed: false })] },
  {
    event: "result",
    host: "hv",
    kind: "quadlet-unit",
    resources: [result({ name: "web/web.container", changed: false, failed: true, msg: "no" })],
  },
];

test("each unit has a verdict, by what its host said", () => {
  expect([...verdictsOf(run(...whole), hosts)]).toEqual([
    ["hv/host", { is: "in sync" }],
    ["hv/vlan/apps", { is: "changes", disruption: "", affected: [], diff: "-a\n+b" }],
    ["hv/vlan/iot", { is: "in sync" }],
    ["hv/quadlet-unit/web/web.container", { is: "rejected", reason: "no" }],
    ["app/nftables-table/inet/guard", { is: "in sync" }],
  ]);
});

test.each(whole.map((_, length) => length))("where a check breaks off after %i events, what was not heard of is unverified", (length) => {
  const verdicts = verdictsOf({ code: 4, events: whole.slice(0, length), output: "ERROR! it broke\n" }, hosts);
  expect(verdicts.size).toBe(5);
  const known = verdictsOf(run(...whole), hosts);
  for (const [id, verdict] of verdicts) {
    if (verdict.is !== "unverified") expect([id, verdict]).toEqual([id, known.get(id)]);
  }
  expect(verdicts.get("hv/quadlet-unit/web/web.container")).toEqual({
    is: "unverified",
    reason: length > 0 ? "the check ended before it" : "ERROR! it broke",
  });
});

test("a host that is away is unverified with the reason, and the others are not", () => {
  const away = {
    event: "unreachable",
    host: "app",
    task: "look : Look",
    msg: "Task failed: Make sure this host can be reached over ssh: ssh: no route",
  } as const;
  const verdicts = verdictsOf(run(whole[0]!, away), hosts);
  expect(verdicts.get("app/nftables-table/inet/guard")).toEqual({ is: "unverified", reason: "app cannot be reached: ssh: no route" });
  expect(verdicts.get("hv/host")).toEqual({ is: "in sync" });
});

test("what a host lacks so far makes a unit unverified, with the reason", () => {
  const lacking = {
    event: "result",
    host: "hv",
    kind: "vlan",
    resources: [result({ msg: "not checked on the host: there is no br0" })],
  } as const;
  expect(verdictsOf(run(lacking as never), hosts).get("hv/vlan/apps")).toEqual({
    is: "unverified",
    reason: "not checked on the host: there is no br0",
    diff: "",
  });
});

const change: Verdict & { is: "changes" } = { is: "changes", disruption: "live", affected: [], diff: "+b" };
const refusal: Verdict = { is: "rejected", reason: "line 1: syntax error" };
const unknown: Verdict = { is: "unverified", reason: "there is no nft" };

test.each<[string, Verdict, Plan, string, string]>([
  ["what holds", { is: "in sync" }, "same", "", ""],
  ["what holds already", { is: "in sync" }, "planned", "info", "verified: the host is in sync already"],
  ["a change", change, "planned", "info", "verified on the host: live\n+b"],
  ["one that disturbs", { ...change, disruption: "restart" }, "planned", "warn", "verified on the host: restart\n+b"],
  ["one that reaches others", { ...change, affected: ["vlan iot"] }, "planned", "info", "verified on the host: live; affects vlan iot\n+b"],
  ["drift", change, "same", "warn", 'drift outside this plan; "pulumi up --refresh" repairs it: live\n+b'],
  ["a change that is not for now", change, "left out", "info", "not in this plan: live\n+b"],
  ["a refusal", refusal, "planned", "error", "rejected by the host: line 1: syntax error"],
  ["drift that cannot be repaired", refusal, "same", "warn", "drift outside this plan that cannot be repaired: line 1: syntax error"],
  ["a refusal for later", refusal, "left out", "info", "not in this plan, and the host would reject it: line 1: syntax error"],
  ["what cannot be known yet", unknown, "planned", "info", "unverified: there is no nft"],
  ["what nothing is done about", unknown, "same", "", ""],
  [
    "drift of what cannot be asked",
    { ...unknown, diff: "it is shut off" },
    "same",
    "warn",
    "drift outside this plan; there is no nft\nit is shut off",
  ],
])("%s is told as what it is", (_, verdict, plan, severity, message) => {
  expect(findingOf(verdict, plan)).toEqual(severity === "" ? undefined : { severity, message });
});

const left = (count: number) => ({
  event: "result" as const,
  host: "hv",
  kind: "vlan",
  undeclared: Array.from({ length: count }, (_, number) => `v${number}`),
});

test.each([
  [3, 0, false],
  [4, 4, false],
  [4, 3, true],
  [4, 0, true],
  [20, 30, false],
  [31, 30, true],
])("of %i that leave beside %i that are declared: an error is %s", (leaving, declared, isError) => {
  const found = massRemovalOf(run(left(leaving)), "hv", declared);
  expect(found !== undefined).toBe(isError);
  if (found)
    expect(found).toMatchObject({
      severity: "error",
      message: expect.stringContaining(`${leaving} of the ${leaving + declared} resources on hv`),
    });
});

test("what a program makes itself, and what is on other hosts, leaves no configuration", () => {
  expect(massRemovalOf(run(left(4)), "hv", 1, ["hv/vlan/v0"])).toBeUndefined();
  expect(massRemovalOf(run(left(9)), "app", 1)).toBeUndefined();
});

test("a line says of each host how much of it is verified", () => {
  expect(summaryOf("hv", [{ is: "in sync" }, change, change, unknown])).toEqual({
    severity: "info",
    message: "hv is verified: 1 in sync, 2 to change, 1 unverified",
  });
  expect(summaryOf("app", [{ is: "unverified", reason: "no route" }])).toEqual({
    severity: "warn",
    message: "app is not verified: no route",
  });
});

test("a host that was heard of a unit is not away, even if it can try none", () => {
  const heard = { ...unknown, diff: "it is shut off" };
  expect([isUnasked([]), isUnasked([unknown]), isUnasked([unknown, heard])]).toEqual([false, true, false]);
  expect(summaryOf("app", [heard]).message).toBe("app is not verified: there is no nft");
});

test("what of others is in a unit's way is found under its resource's id", () => {
  const look = {
    event: "detected",
    host: "hv",
    out_of_sync: [],
    warnings: { "nftables-table": { "inet/isolation": ["theirs drops"] } },
  } as const;
  expect([...warningsOf(run(look as never))]).toEqual([["hv/nftables-table/inet/isolation", ["theirs drops"]]]);
});

test("what leaves with its data is told of its own host", () => {
  const leaving = { event: "result", host: "hv", kind: "volume", resources: [], data_loss: ["vms/old"] } as const;
  const pruned = {
    ...leaving,
    data_loss: [],
    removed: [result({ name: "vms/old", disruption: "data-loss" }), result({ name: "vms/kept" })],
  };
  expect(leavingOf(run(...whole, pruned as never), "hv")).toEqual(leavingOf(run(...whole, leaving as never), "hv"));
  expect(leavingOf(run(...whole, leaving as never), "app")).toEqual([]);
  expect(leavingOf(run(...whole, leaving as never), "hv")).toEqual([
    {
      severity: "warn",
      message: expect.stringMatching(/^data-loss: volume vms\/old is no longer declared\. .*on_delete: destroy/) as string,
    },
  ]);
});

test("what a program makes, and no inventory declares, does not leave", () => {
  const leaving = {
    event: "result",
    host: "hv",
    kind: "volume",
    resources: [],
    data_loss: ["vms/old"],
    removal_blockers: { "vms/old": "it is used" },
  };
  expect(leavingOf(run(...whole, leaving as never), "hv", ["hv/volume/vms/old"])).toEqual([]);
});

test("a removal that is blocked is reported with the host's reason, in the role's own removal as in Pulumi's", () => {
  const leaving = {
    event: "result",
    host: "hv",
    kind: "bridge",
    resources: [],
    removal_blockers: { br0: "it still carries vnet3 of domain db" },
  } as const;
  const pruned = { ...leaving, removal_blockers: {}, removed: [result({ name: "br0", failed: true, msg: leaving.removal_blockers.br0 })] };
  for (const one of [leaving, pruned])
    expect(leavingOf(run(...whole, one as never), "hv")).toEqual([
      {
        severity: "warn",
        message: "bridge br0 is no longer declared, and its removal is blocked: it still carries vnet3 of domain db",
      },
    ]);
});
