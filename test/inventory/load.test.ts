import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { InventoryError, loadInventory } from "../../components/inventory/load";

const good = {
  "hosts.yml": "all: { children: { hypervisors: { hosts: { hv: } } } }\n",
  "group_vars/all.yml": `homelab_owner: lab\nansible_ssh_common_args: "-F '{{ inventory_dir }}/ssh_config'"\n`,
  ssh_config: "Host hv\n",
  "host_vars/hv.yml": "bridges: []\n",
};

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "inventory-"))));
afterEach(() => rmSync(folder, { recursive: true }));

function problemsOf(changes: Record<string, string>): string[] {
  for (const [path, text] of Object.entries({ ...good, ...changes })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  try {
    loadInventory(folder);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InventoryError);
    return (error as InventoryError).problems.map(
      ({ file, line, column, message }) => `${file.slice(folder.length + 1)}:${line}:${column}: ${message}`,
    );
  }
}

test("the lab's inventory is valid", () => {
  const { owner, hosts } = loadInventory(resolve(__dirname, "../../ansible/inventory/lab"));
  expect(owner).toBe("lab");
  expect(hosts.map(({ name, guest }) => [name, guest])).toEqual([
    ["hv", false],
    ["app", true],
  ]);
  const notes = hosts[1]!.quadlet_units.find((unit) => unit.name === "notes.container");
  expect(notes?.content).toContain("Image=web.image");
  expect(notes?.files).toEqual({ "site/index.html": expect.stringContaining("Hello from app") });
});

test("every error is told at once, each with its place, value and the accepted form", () => {
  const text = [
    "bridges: [ { name: br0, prots: [] } ]",
    "vlans:",
    "  - { name: apps, id: 5000, bridge: br0 }",
    "  - { name: iot, id: 20, bridge: br0, address: 10.0.0.1 }",
  ].join("\n");
  expect(problemsOf({ "host_vars/hv.yml": text })).toEqual([
    "host_vars/hv.yml:1:25: bridges.0.prots: unknown name (it is [])",
    "host_vars/hv.yml:3:23: vlans.0.id: a VLAN id is 1 to 4094 (it is 5000)",
    'host_vars/hv.yml:4:48: vlans.1.address: an IPv4 address with prefix, such as 10.10.10.1/24 (it is "10.0.0.1")',
  ]);
});

test("two units of one name are told", () => {
  const bridges = "bridges: [ { name: br0 }, { name: br1 }, { name: br0 } ]\n";
  expect(problemsOf({ "host_vars/hv.yml": bridges })).toEqual([
    expect.stringMatching(/^host_vars\/hv.yml:1:42: bridges.2: br0 is declared twice/),
  ]);
});

test("a DHCP server hands out addresses of its VLAN's own network", () => {
  const text = [
    "vlans:",
    "  - { name: a, id: 10, bridge: br0, dhcp: { from: 10.0.0.1, to: 10.0.0.9 } }",
    "  - { name: b, id: 20, bridge: br0, address: 10.0.1.1/24, dhcp: { from: 10.0.0.1, to: 10.0.1.9 } }",
  ].join("\n");
  expect(problemsOf({ "host_vars/hv.yml": text })).toEqual([
    expect.stringMatching(/^host_vars\/hv.yml:2:\d+: vlans.0.dhcp: dhcp needs `address`/),
    expect.stringMatching(
      /^host_vars\/hv.yml:3:\d+: vlans.1.dhcp.from: an address within the network of 10.0.1.1\/24 \(it is "10.0.0.1"\)/,
    ),
  ]);
});

test.each(["2222:22", "0755", "08", "on", "52:54:00:12:34:56", "1_000", "2026-01-01", "1.0", "1e3", "12345678901234567890"])(
  "the plain scalar %s is refused, since Ansible reads it differently",
  (scalar) => {
    const [problem] = problemsOf({ "host_vars/hv.yml": `nftables_tables: [ { family: inet, name: a, content: ${scalar} } ]\n` });
    expect(problem).toContain(`host_vars/hv.yml:1:54: ${scalar} is read differently by YAML 1.1 and 1.2: quote it`);
  },
);

test("a missing ssh_config setting and a stray file are told", () => {
  const files = { "group_vars/all.yml": "homelab_owner: lab\n", "host_vars/hw.yml": "bridges: []\n", "host_vars/.hv.yml.swp": "" };
  expect(problemsOf({ ...files, "group_vars/guests.yml": "bridges: []\n" })).toEqual([
    expect.stringMatching(/^group_vars\/all.yml:1:1: ansible_ssh_common_args: must be "-F /),
    "host_vars/hw.yml:1:1: belongs to no host of hosts.yml; it has hv",
    expect.stringMatching(/^group_vars\/guests.yml:1:1: is not read/),
  ]);
});

test("a template is refused, but for a text that is marked as none", () => {
  const text = (content: string): string => `nftables_tables: [ { family: inet, name: a, content: ${content} } ]\n`;
  expect(problemsOf({ "host_vars/hv.yml": text("'{{ x }}'") })).toEqual([
    "host_vars/hv.yml:1:54: Ansible fills in templates here: write !unsafe before the text",
  ]);
  expect(problemsOf({ "host_vars/hv.yml": text("!unsafe '{{ x }}'") })).toEqual([]);
  expect(problemsOf({ "host_vars/hv.yml": text("!vault x") })).toEqual([expect.stringMatching(/^host_vars\/hv.yml:1:54: Unresolved tag/)]);
});

test("a file that a unit names and that is not there is told where it is named", () => {
  expect(problemsOf({ "host_vars/hv.yml": "quadlet_units:\n  - { user: web, source: files/x.container }\n" })).toEqual([
    expect.stringMatching(/^host_vars\/hv.yml:2:26: quadlet_units.0.source: files\/x.container: there is no such file in/),
  ]);
});

test("a host that is gone for good has left hosts.yml", () => {
  expect(problemsOf({ "group_vars/all.yml": `${good["group_vars/all.yml"]}retired_hosts: [hv]\n` })).toEqual([
    "hosts.yml:1:1: hv is in retired_hosts of group_vars/all.yml, too",
  ]);
});

test("broken YAML is told with its place", () => {
  expect(problemsOf({ "host_vars/hv.yml": "bridges: [ { name: *br } ]\n" })).toEqual([
    "host_vars/hv.yml:1:20: *br names no anchor: quote it, if it is a text",
  ]);
  expect(problemsOf({ "host_vars/hv.yml": "bridges: [ {\n" })).toEqual([
    expect.stringMatching(/^host_vars\/hv.yml:2:1: /),
    expect.anything(),
  ]);
});
