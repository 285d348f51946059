// Which of a unit's three sides moved, and how that is shown.
import { type Answer, type Line, lineOf } from "../../cli/status/compare";
import { render, summary } from "../../cli/status/render";

const A = { name: "br0", tagged: [10] };
const B = { name: "br0", tagged: [10, 20], adopt: undefined };
const holds: Answer = { present: true, differences: "" };
const differs: Answer = { present: true, differences: "eth1: VLAN 10 is missing" };
const absent: Answer = { present: false, differences: "" };
const away: Answer = { error: "hv: cannot connect" };

const line = (declared: object | undefined, applied: object | undefined, asApplied?: Answer, asDeclared?: Answer): Line =>
  lineOf({ id: "hv/bridge/br0", declared, applied, host: { applied: asApplied, declared: asDeclared } });

test.each<[string, Line, string]>([
  ["all three agree", line(A, { ...A }, holds), "declared | applied | as declared | "],
  ["what is undefined is not said", line({ ...A, adopt: undefined }, A, holds), "declared | applied | as declared | "],
  ["changed on the host", line(A, A, differs), "declared | applied | differs | host"],
  ["removed from the host", line(A, A, absent), "declared | applied | absent | host"],
  ["changed in the configuration", line(B, A, holds, differs), "changed: tagged | applied | as applied | configuration"],
  ["changed, and applied by plain Ansible", line(B, A, differs, holds), "changed: tagged | applied | as declared | state"],
  ["changed on both sides", line(B, A, differs, differs), "changed: tagged | applied | differs | configuration, host"],
  ["changed, and removed from the host", line(B, A, absent, absent), "changed: tagged | applied | absent | configuration, host"],
  ["new", line(A, undefined, undefined, absent), "declared | not held | absent | configuration"],
  ["new, and applied by plain Ansible", line(A, undefined, undefined, holds), "declared | not held | as declared | state"],
  ["new, and there in another form", line(A, undefined, undefined, differs), "declared | not held | differs | configuration, host"],
  ["no longer declared", line(undefined, A, holds), "not declared | applied | as applied | configuration"],
  ["no longer declared, and removed by plain Ansible", line(undefined, A, absent), "not declared | applied | absent | state"],
  ["no longer declared, and changed", line(undefined, A, differs), "not declared | applied | differs | configuration, host"],
  ["the host is away", line(A, A, away), "declared | applied | cannot be read | "],
  ["changed, and the host is away", line(B, A, away, away), "changed: tagged | applied | cannot be read | configuration"],
])("%s", (_, { configuration, state, host, moved }, expected) => {
  expect([configuration, state, host, moved.join(", ")].join(" | ")).toBe(expected);
});

test("a host is a table, with its differences below their units", () => {
  expect(render("hv", [line(A, A, differs), line(B, A, holds, differs)])).toBe(
    `hv
              configuration    state    host        moved
  bridge/br0  declared         applied  differs     host
      eth1: VLAN 10 is missing
  bridge/br0  changed: tagged  applied  as applied  configuration`,
  );
});

test("why a host is away is told once", () => {
  expect(render("hv", [line(A, A, away), line(A, A, away)]).match(/cannot connect/g)).toHaveLength(1);
});

test("the units are counted by what is to be done about them", () => {
  expect(summary([line(A, A, holds), line(B, A, differs, differs), line(B, A, differs, holds), line(A, A, away)])).toBe(
    `4 units
  1 in sync
  1 with another configuration: \`npx pulumi up\` applies it
  1 changed on the host: \`npx pulumi up --refresh\` repairs it
  1 as declared on the host, but not in the state: \`npx pulumi up\` takes note of it
  1 not read`,
  );
});
