// Who changed what, from a host's journal.
import { type History, render } from "../../cli/history/render";

const line = {
  time: Date.UTC(2026, 11, 1, 9, 5, 7) / 1000,
  operator: "olga@desk",
  route: "pulumi",
  commit: "1a2b3c4d5e6f+",
  outcome: "ok",
  changed: ["hv/host", "hv/vlan/guests", "hv/vlan/old"],
  removed: ["hv/vlan/old"],
  omitted: "",
};

const history: History = {
  most: 100,
  lines: [
    line,
    { ...line, route: "ansible", operator: "ci@runner", commit: "", outcome: "rolled back", changed: ["hv/bridge/br0"], removed: [] },
    // Of a name that the host had before, and of more than a line holds.
    { ...line, time: line.time + 86_400, outcome: "failed", changed: ["hypervisor/domain/*"], removed: [], omitted: "12" },
  ],
};

test("each apply is a line: when, who, by which route, from which commit, how it ended, and what it changed", () => {
  expect(render("hv", history, "")).toBe(
    `hv
  when (UTC)           who        route    commit         result       what
  2026-12-01 09:05:07  olga@desk  pulumi   1a2b3c4d5e6f+  ok           host, vlan/guests, vlan/old (removed)
  2026-12-01 09:05:07  ci@runner  ansible  -              rolled back  bridge/br0
  2026-12-02 09:05:07  olga@desk  pulumi   1a2b3c4d5e6f+  failed       hypervisor/domain/*, and 12 more
3 in all
  1 failed: some of it may have been applied
  1 rolled back: the network, rules and kernel parameters are as before`,
  );
});

test("a host without a line says so, and how long lines are kept", () => {
  expect(render("hv", { lines: [], most: 100 }, "")).toBe(
    "hv has no line of an apply in its journal.\nLines are kept as long as the host keeps its journal, journald.conf(5).",
  );
  expect(render("hv", { lines: [], most: 100 }, "yesterday")).toMatch(/^hv has no line of an apply since yesterday in its journal\.\n/);
});

test("more lines than are read are announced, and where they are", () => {
  expect(render("hv", { lines: [line, line], most: 2 }, "")).toMatch(
    /\nthe last 2; on hv, `journalctl _UID=0 _TRANSPORT=journal SYSLOG_IDENTIFIER=homelab` has all$/,
  );
});
