import { type Run, type UnitResult } from "@homelab/providers";
import { findingOf, resultsOf, unaskedOf } from "../../components/verify/findings";
import { touchedBy } from "../../components/verify/touches";
import { type InventoryHost } from "../../components/inventory/load";
import { hostVars } from "../../components/inventory/schema";

const result = (more: Partial<UnitResult>): UnitResult => ({
  name: "apps",
  changed: true,
  failed: false,
  present: true,
  msg: "",
  diff: "",
  disruption: "",
  facts: {},
  ...more,
});
const run = (...events: Run["events"]): Run => ({ code: 0, events, output: "" });

test("what differs is found under its resource's id, and what holds is not", () => {
  const found = resultsOf(
    run(
      { event: "result", host: "hv", kind: "vlan", units: [result({}), result({ name: "iot", changed: false })] },
      { event: "result", host: "hv", kind: "host", units: [result({ name: "host", changed: false, failed: true })] },
      { event: "result", host: "app", kind: "quadlet-unit", units: [result({ name: "web/web.container" })] },
    ),
  );
  expect([...found.keys()]).toEqual(["hv/vlan/apps", "hv/host", "app/quadlet-unit/web/web.container"]);
});

test.each<[string, Partial<UnitResult>, boolean, string[], string, string]>([
  ["a refusal", { failed: true, msg: "line 1: syntax error" }, true, [], "error", "the host refuses it: line 1: syntax error"],
  ["a change", { diff: "-a\n+b" }, true, [], "info", "verified on the host: -a\n+b"],
  ["one that disturbs", { diff: "+b", disruption: "restart" }, true, [], "info", "verified on the host: restart\n+b"],
  [
    "one that reaches others",
    { diff: "+b", disruption: "live" },
    true,
    ["vlan/iot"],
    "info",
    "verified on the host: live; touches vlan/iot\n+b",
  ],
  ["drift", { diff: "-a" }, false, [], "warn", 'drift, not in this plan; "pulumi up --refresh" repairs it: -a'],
  [
    "what cannot be known yet",
    { msg: "not checked on the host: there is no nft" },
    true,
    [],
    "info",
    "unverified: not checked on the host: there is no nft",
  ],
])("%s is told as what it is", (_, of, isPlanned, touched, severity, message) => {
  expect(findingOf(result(of), isPlanned, touched)).toEqual({ severity, message });
});

test("a host that is away is told with the reason, and one whose unit was refused was asked", () => {
  const away = { event: "unreachable", host: "app", task: "look : Look", msg: "no route" } as const;
  const refused = { event: "failed", host: "hv", task: "report : Fail when a unit does not hold", msg: "vlan iot: …" } as const;
  expect([...unaskedOf({ ...run(away, refused), code: 2 }, ["hv", "app"])]).toEqual([["app", "look : Look: no route"]]);
});

test("where Ansible itself does not begin, no host was asked", () => {
  const broken = { code: 4, events: [], output: "ERROR! no vault secret\n" };
  expect([...unaskedOf(broken, ["hv"])]).toEqual([["hv", "ERROR! no vault secret"]]);
});

test("a change reaches what is plugged in, runs as, or uses it", () => {
  const host: InventoryHost = {
    name: "hv",
    guest: false,
    ...hostVars.parse({
      bridges: [{ name: "br0", ports: [] }],
      vlans: [{ name: "apps", id: 10, bridge: "br0" }],
      service_users: [{ name: "web", uid: 2001, subids: { start: 300000 } }],
      podman_secrets: [{ user: "web", name: "key" }],
      quadlet_units: [
        { user: "web", name: "own.network", sections: { Network: {} } },
        { user: "web", name: "a.container", sections: { Container: { Image: "x", Network: "own.network", Secret: "key" } } },
        { name: "b.container", sections: { Container: { Image: "x" } } },
      ],
    }),
  };
  expect(touchedBy(host, "bridge", "br0")).toEqual(["vlan/apps"]);
  expect(touchedBy(host, "service-user", "web")).toEqual(["quadlet-unit/web/own.network", "quadlet-unit/web/a.container"]);
  expect(touchedBy(host, "podman-secret", "web/key")).toEqual(["quadlet-unit/web/a.container"]);
  expect(touchedBy(host, "quadlet-unit", "web/own.network")).toEqual(["quadlet-unit/web/a.container"]);
  expect(touchedBy(host, "vlan", "apps")).toEqual([]);
});
