// One up changes units of all classes at once: what its preview announced of each is what happens to it, and to nobody else.
import { POOLS, idle, machine, plug, tiny, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { differencesOf, pageWithin, started, text } from "./look";
import { alter, asHypervisor, changed, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;

const ADDRESSES = { live: "10.10.10.41", waits: "10.10.10.42", restarts: "10.10.10.43", bystander: "10.10.10.44" };
const guest = (name: keyof typeof ADDRESSES, more: object = {}) => tiny(name, { interfaces: [plug(ADDRESSES[name])], ...more });

const before = {
  pools: POOLS,
  volumes: [volume("stays"), volume("lost", { on_delete: "destroy" })],
  domains: [
    guest("live"),
    guest("waits", { vcpus_max: 2 }),
    guest("restarts", { vcpus_max: 2, restart: "allowed" }),
    guest("bystander"),
    idle("replaced", { restart: "allowed", disks: [{ volume: "vms/stays" }] }),
  ],
};

const after = {
  pools: POOLS,
  volumes: [volume("stays")],
  domains: [
    guest("live", { description: "another text" }),
    guest("waits", { vcpus_max: 3 }),
    guest("restarts", { vcpus_max: 3, restart: "allowed" }),
    guest("bystander"),
    idle("replaced", { restart: "allowed", disks: [{ volume: "vms/stays" }], machine: "pc" }),
  ],
};

/** What is altered of the rest of hv. */
interface Hv {
  bridges: { ports: { tagged: number[] }[] }[];
  nftables_tables: { content: string }[];
  quadlet_units: { name: string; sections: Record<string, Record<string, unknown>> }[];
}

/** What the preview is to say of each unit; nothing of any other. */
const announced: Record<string, string> = {
  "hv/domain/live": "live",
  "hv/domain/waits": "next-boot",
  "hv/domain/restarts": "restart",
  "hv/domain/replaced": "replace",
  "hv/nftables-table/inet/isolation": "live",
  "hv/bridge/br0": "live",
  "hv/quadlet-unit/web/web.container": "restart",
};

/** The class of each change, by unit, as a preview tells them. */
const classesIn = (output: string): Record<string, string> =>
  Object.fromEntries([...output.matchAll(/(\S+): verified on the host: ([\w-]+)/g)].map(([, id, disruption]) => [id!, disruption!]));

const uptimes = async () => {
  const entries = Object.entries(ADDRESSES).map(async ([name, address]) => [name, (await machine(address))["uptime"]!] as const);
  return Object.fromEntries(await Promise.all(entries)) as Record<keyof typeof ADDRESSES, number>;
};

const typeOf = async (name: string) => /machine='([\w.-]+)'/.exec(await virsh("dumpxml", "--inactive", name))![1]!;

beforeAll(async () => {
  lab = await hypervisor();
  asHypervisor(before);
  await up();
});

afterAll(() => lab.reset());

test("what a preview announces is what up does", async () => {
  asHypervisor(after);
  alter<Hv>("host_vars/hv.yml", ({ bridges, nftables_tables, quadlet_units }) => {
    bridges[0]!.ports[0]!.tagged.push(30);
    const [isolation] = nftables_tables;
    isolation!.content = isolation!.content.replace("devices reach nothing on this host", "devices reach nothing here");
    quadlet_units.find(({ name }) => name === "web.container")!.sections["Container"]!["ReadOnly"] = true;
  });
  const differences = await differencesOf("hv");
  const { output } = await good(stack(["preview", "--diff"]));
  expect(classesIn(output)).toEqual(announced);
  expect(output).toMatch(/data-loss: volume vms\/lost is no longer declared/);
  const plain = (await playbook("--limit", "hv", "--check", "--diff")).stdout;
  for (const [id, disruption] of Object.entries(announced)) {
    const [, kind, ...name] = id.split("/");
    expect(plain).toContain(`${kind} ${name.join("/")}${disruption === "live" ? "" : ` (${disruption})`}: `);
  }

  expect(await differences()).toEqual([""]);
  const seen = { uptimes: await uptimes(), uuid: await virsh("domuuid", "replaced"), web: await started("hv", "web") };
  expect(await typeOf("replaced")).toContain("q35");
  await up();
  const now = await uptimes();
  for (const name of ["live", "waits", "bystander"] as const) expect(now[name]).toBeGreaterThan(seen.uptimes[name]);
  expect(now.restarts).toBeLessThan(seen.uptimes.restarts);
  expect(await virsh("desc", "live")).toContain("another text");
  const most = async (name: string) => (await virsh("vcpucount", "--maximum", "--live", name)).trim();
  expect([await most("waits"), await most("restarts")]).toEqual(["2", "3"]);
  expect([await typeOf("replaced"), await virsh("domuuid", "replaced")]).toEqual([expect.stringMatching(/i440fx/), seen.uuid]);
  expect(await started("hv", "web")).not.toBe(seen.web);
  expect(await text("hv", "ls /srv/vms")).toBe("stays\n");
  expect(await text("hv", "nft list table inet isolation; bridge vlan show dev eth1")).toMatch(/devices reach nothing here[^]*\b30\b/);
});

test("after a boot of the host its guests are there again, and so is all else, without a run", async () => {
  const before = await uptimes();
  await lab.powerCycle("hv");
  await lab.waitForLogin("hv");
  // libvirt starts them one after another; an emulated hypervisor that boots takes more than a minute for each.
  for (const address of Object.values(ADDRESSES)) await pageWithin(600, "hv", `http://${address}/cgi-bin/machine`);
  expect((await uptimes()).bystander).toBeLessThan(before.bystander);
  expect(await virsh("list", "--name")).not.toContain("replaced");
  expect((await virsh("vcpucount", "--maximum", "--live", "waits")).trim()).toBe("3");
  expect(changed((await playbook("--check")).stdout)).toEqual({ hv: 0, app: 0 });
});
