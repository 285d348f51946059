import child_process, { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readSource } from "../../components/inventory/document";
import { definitions } from "../../providers/kinds";
import { type Inventory, InventoryError, loadInventory, shown } from "../../components/inventory/load";
import { type Fixture, accept, fixtures, isAccepting, write } from "./fixtures";

const project = resolve(__dirname, "../..");
let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "fixtures-"))));
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => jest.restoreAllMocks());

/** What loading a case says, with files relative to the inventory, and the inventory when it is good. */
function load(fixture: Fixture): { errors: string[]; warnings: string[]; inventory?: Inventory } {
  const folder = write(fixture, join(scratch, "inventory"));
  const relative = (text: string): string => text.replaceAll(`${folder}/`, "").replaceAll(folder, ".");
  try {
    const inventory = loadInventory(folder);
    return { errors: [], warnings: inventory.warnings.map(shown).map(relative), inventory };
  } catch (error) {
    expect(error).toBeInstanceOf(InventoryError);
    return { errors: (error as InventoryError).problems.map(shown).map(relative), warnings: [] };
  }
}

test.each(fixtures("bad").map((fixture) => [fixture.name, fixture] as const))("bad: %s", (_name, fixture) => {
  if (isAccepting) return accept("bad", fixture.name, (one) => load(one).errors);
  expect(load(fixture).errors).toEqual(fixture.errors);
  expect(fixture.errors).not.toEqual([]);
});

test.each(fixtures("good").map((fixture) => [fixture.name, fixture] as const))("good: %s", (_name, fixture) => {
  const { errors, warnings } = load(fixture);
  expect(errors).toEqual([]);
  if (isAccepting) return accept("good", fixture.name, (one) => load(one).warnings);
  expect(warnings).toEqual(fixture.warnings);
});

test("a bad configuration is told before any connection is made or process begun", () => {
  const processes = (["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"] as const).map((name) =>
    jest.spyOn(child_process, name),
  );
  const connections = [jest.spyOn(net, "connect"), jest.spyOn(net, "createConnection"), jest.spyOn(net.Socket.prototype, "connect")];
  for (const fixture of fixtures("bad")) expect(load(fixture).inventory).toBeUndefined();
  for (const spy of [...processes, ...connections]) expect(spy).not.toHaveBeenCalled();
});

test("every list of host_vars has a bad case, and there are many", () => {
  const said = fixtures("bad")
    .flatMap(({ errors }) => errors)
    .join("\n");
  for (const { list } of definitions) expect(said).toContain(`: ${list}.`);
  expect(fixtures("bad").length).toBeGreaterThanOrEqual(60);
});

/** What ansible-inventory prints, with the texts that it marks as no template. */
function unmarked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarked);
  if (typeof value !== "object" || value === null) return value;
  if ("__ansible_unsafe" in value) return value.__ansible_unsafe;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unmarked(one)]));
}

test("Ansible reads the same from every good configuration, the examples too", () => {
  const folder = join(scratch, "all");
  // Each file of host_vars is a host of one inventory, so that Ansible is started once.
  const texts = fixtures("good").flatMap(({ name, files }) =>
    Object.entries(files).flatMap(([path, text]) => (path.startsWith("host_vars/") ? [[`${name}-${path.slice(10)}`, text] as const] : [])),
  );
  mkdirSync(join(folder, "host_vars"), { recursive: true });
  for (const [file, text] of texts) writeFileSync(join(folder, "host_vars", file), text, "latin1");
  for (const stack of ["lab", "prod"]) {
    const from = join(project, "ansible/inventory", stack, "host_vars");
    for (const file of readdirSync(from)) cpSync(join(from, file), join(folder, "host_vars", `${stack}-${file}`));
  }
  const files = readdirSync(join(folder, "host_vars"));
  const hosts = files.map((file) => file.replace(/\.yml$/, ""));
  writeFileSync(join(folder, "hosts.yml"), JSON.stringify({ all: { hosts: Object.fromEntries(hosts.map((host) => [host, null])) } }));
  const argv = ["-m", "ansible", "inventory", "-i", join(folder, "hosts.yml"), "--list"];
  const listing = execFileSync(join(project, ".venv/bin/python"), argv, {
    encoding: "utf8",
    cwd: scratch,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { hostvars } = (JSON.parse(listing) as { _meta: { hostvars: Record<string, unknown> } })._meta;
  for (const host of hosts) {
    const { data } = readSource(join(folder, "host_vars", `${host}.yml`), "rejected");
    expect({ host, ...(data as object) }).toEqual({ host, ...(unmarked(hostvars[host] ?? {}) as object) });
  }
  expect(hosts.length).toBeGreaterThanOrEqual(fixtures("good").length);
});

test("a unit's values reach a provider as they were written", () => {
  const fixture = fixtures("good").find(({ name }) => name === "values-that-shells-would-read")!;
  const [host] = load(fixture).inventory!.hosts;
  const [unit] = host!.quadlet_units;
  expect(unit!.sections!["Container"]!["Exec"]).toBe("sh -c \"echo $HOME `id` $(id); {{ x }} %% 'single'\" -- --flag");
  expect(unit!.files).toEqual({ "-leading dash/$(id) `x` \"q\" 'q' ; é": "-text\0 with \u001b all \r\n of it\n", empty: "" });
  expect(host!.nftables_tables[0]!.content).toBe("# $(id) `id` ; \"quotes' {{ no template }} %n é 🐧\nchain a { }\n");
});

test("the message says how many errors there are, and that nothing was done", () => {
  const fixture = fixtures("bad").find(({ name }) => name === "everything-at-once")!;
  expect(() => loadInventory(write(fixture, join(scratch, "inventory")))).toThrow(/^The configuration has 6 errors; nothing was done\.\n/);
});
