import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { fixtures, write } from "../inventory/fixtures";

const made: string[] = [];
jest.mock("../../components/host", () => ({
  ManagedHost: class {
    network = [];
    networks = [];
    services = [];
    constructor(name: string) {
      made.push(name);
    }
  },
}));

test("the program shows each warning of the inventory with its place, and goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "warnings-"));
  write(
    fixtures("good").find(({ name }) => name === "warning-no-port-carries")!,
    folder,
  );
  pulumi.runtime.setAllConfig({ "homelab:inventory": folder });
  await pulumi.runtime.setMocks({ newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) });
  const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
  await import("../../index");
  expect(warn.mock.calls).toEqual([
    [expect.stringMatching(/host_vars\/hv\.yml:\d+:\d+: bridges: it needs the base of the host/)],
    [expect.stringMatching(/host_vars\/hv\.yml:\d+:\d+: vlans\.2\.id: no port of br0 carries VLAN 30/)],
  ]);
  expect(made).toEqual(["hv"]);
  rmSync(folder, { recursive: true });
});
