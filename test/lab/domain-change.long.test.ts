// Each field of a domain, changed while one guest runs and another is shut off: what is announced is what happens, and nothing else.
import { KERNEL, POOLS, contents, definition, fill, idle, machine, plug, tiny, virsh, volume, without, write } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, good, hypervisor, playbook, setVault, stack, up } from "./project";
import { needlesOf, searchHost } from "./search";

jest.setTimeout(3_600_000);

let lab: Lab;

const ADDRESS = "10.10.10.31";
const CD = "/srv/guest/initrd.img";
const SECRET = "canary-of-user-data";
const IOT = { bridge: "br0", vlan: 20 };

/** A domain's fields, the same for both guests; `VOLUME` and `MAC` stand for the guest's own. */
type Fields = Record<string, unknown>;

let fields: Fields = {
  memory_max: "192 MiB",
  vcpus_max: 2,
  disks: [{ volume: "VOLUME" }, { cdrom: "" }],
};
let plugs: Fields[] = [];
let size = "16 MiB";
let sha256: string;

const own = (name: string, address: string): Fields => {
  const text = JSON.stringify({ ...fields, interfaces: [plug(address), ...plugs] });
  const mac = name === "on" ? "52:54:00:0a:0b:01" : "52:54:00:0a:0b:02";
  return JSON.parse(text.replaceAll("VOLUME", `vms/${name}`).replaceAll("MAC", mac)) as Fields;
};

/** Both guests as they are to be. */
function declare(): void {
  asHypervisor({
    pools: POOLS,
    images: [{ name: "filled", source: "/srv/filled.raw", sha256 }],
    volumes: volumes.map((name) => volume(name, { image: "filled", ...(name.endsWith("-more") ? {} : { size }) })),
    domains: [tiny("on", own("on", ADDRESS)), idle("off", { autostart: true, ...own("off", "10.10.10.32") })],
  });
}

interface Row {
  what: string;
  change: () => void;
  /** For the running guest; the other has it at once. */
  announced: "live" | "next-boot";
  /** Whose change it is; the domain's own unless said. */
  of?: "volume";
  /** The lines of the definition that may go or be another; all others stay as they are. */
  touches?: RegExp;
  /** The one device that leaves, whole. */
  leaves?: "interface" | "disk";
  /** What the guest itself sees of it then. */
  sees?: Record<string, number>;
}

const set = (more: Fields) => () => void (fields = { ...fields, ...more });
const disks = (...those: Fields[]) => set({ disks: those });

const MAIN = { volume: "VOLUME" };
const SECOND = { volume: "VOLUME-more" };

const rows: Row[] = [
  { what: "a description", change: set({ description: "a guest" }), announced: "live" },
  { what: "another description", change: set({ description: "the guest" }), announced: "live", touches: /<description>/ },
  { what: "more memory", change: set({ memory: "160 MiB" }), announced: "live", touches: /<currentMemory/ },
  { what: "less memory", change: set({ memory: "144 MiB" }), announced: "live", touches: /<currentMemory/ },
  { what: "more processors", change: set({ vcpus: 2 }), announced: "live", touches: /<vcpu/, sees: { processors: 2 } },
  { what: "a disk more", change: disks(MAIN, SECOND, { cdrom: "" }), announced: "live", sees: { "disk vdb": 32768 } },
  { what: "a CD", change: disks(MAIN, SECOND, { cdrom: CD }), announced: "live" },
  { what: "another CD", change: disks(MAIN, SECOND, { cdrom: KERNEL.kernel }), announced: "live", touches: /<source file=/ },
  { what: "no CD", change: disks(MAIN, SECOND, { cdrom: "" }), announced: "live", touches: /<source file=/ },
  { what: "an interface more", change: () => void (plugs = [IOT]), announced: "live" },
  { what: "an isolated one", change: () => void (plugs = [{ ...IOT, isolated: true }]), announced: "live" },
  {
    what: "another MAC address",
    change: () => void (plugs = [{ ...IOT, isolated: true, mac: "MAC" }]),
    announced: "live",
    leaves: "interface",
  },
  {
    what: "one of another VLAN",
    change: () => void (plugs = [{ ...IOT, vlan: 10, isolated: true }]),
    announced: "live",
    touches: /<tag id/,
  },
  { what: "a larger volume", change: () => void (size = "32 MiB"), announced: "live", of: "volume", sees: { "disk vda": 65536 } },
  { what: "another start at boot", change: set({ autostart: false }), announced: "live" },
  { what: "less processors", change: set({ vcpus: 1 }), announced: "next-boot", touches: /<vcpu/ },
  { what: "more processors at most", change: set({ vcpus_max: 3 }), announced: "next-boot", touches: /<vcpu/ },
  { what: "more memory at most", change: set({ memory_max: "256 MiB" }), announced: "next-boot", touches: /<memory/ },
  { what: "a processor of another model", change: set({ cpu: "qemu64" }), announced: "next-boot", touches: /<\/?(cpu|model fallback)/ },
  {
    what: "another command line",
    change: set({ kernel: { ...KERNEL, cmdline: `${KERNEL.cmdline} more` } }),
    announced: "next-boot",
    touches: /<cmdline>/,
  },
  {
    what: "another card",
    change: () => void (plugs = [{ ...IOT, vlan: 10, model: "e1000e" }]),
    announced: "next-boot",
    touches: /<(model type|port isolated)/,
  },
  { what: "the guest agent's channel", change: set({ agent: true }), announced: "next-boot" },
  { what: "a screen", change: set({ graphics: "vnc" }), announced: "next-boot" },
  { what: "a seed", change: set({ cloud_init: { user_data: "#cloud-config\n{}\n" } }), announced: "next-boot" },
  {
    what: "a seed whose user data is in the vault",
    change: set({ cloud_init: { user_data_from: "seed" } }),
    announced: "next-boot",
  },
  {
    what: "a device in libvirt's words",
    change: set({ xml: "<domain><devices><watchdog model='i6300esb' action='reset'/></devices></domain>" }),
    announced: "next-boot",
  },
];

const leaving: Row[] = [
  // The seed names the interfaces that there are.
  { what: "an interface less", change: () => void (plugs = []), announced: "next-boot", leaves: "interface" },
  { what: "a disk less", change: disks(MAIN, { cdrom: "" }), announced: "live", leaves: "disk" },
];

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/filled.raw; sha256sum /srv/filled.raw")).slice(0, 64);
  await setVault({ greeting: "hello", seed: `#cloud-config\n{ password: ${SECRET} }\n` });
  declare();
  expect((await up()).output).toMatch(/\+ 8 created/);
  expect(await contents(volumes)).toEqual(volumes.map(() => sha256));
  await write(ADDRESS, "on");
  await fill(volumes.slice(1));
  last = await all();
  expect(new Set([...last.contents, sha256]).size).toBe(volumes.length + 1);
});

afterAll(() => lab.reset());

const shown = (name: string, announced: string): string => `domain ${name}${announced === "live" ? "" : ` (${announced})`}: `;
const told = (name: string, { of, announced }: Row): string => (of ? `volume vms/${name}: ` : shown(name, announced));

interface Seen {
  on: string[];
  off: string[];
  contents: string[];
  machine: Record<string, number>;
  process: string;
}

/** Both definitions, all disks, and what the running guest says, and its process. */
const all = async (): Promise<Seen> => ({
  on: await definition("on"),
  off: await definition("off"),
  contents: await contents(volumes),
  machine: await machine(ADDRESS),
  process: await text("hv", "cat /run/libvirt/qemu/on.pid"),
});

/** A definition's lines, with each device's as one. */
const elements = (lines: string[]): string[] => lines.join("\n").match(/^ {4}<(\w+)[^>]*[^/]>\n[^]*?^ {4}<\/\1>$|^.+$/gm)!;

/** As it was after the change before. */
let last: Seen;

/** One change of both guests, by plain Ansible, and all that must be as before. */
async function walk(row: Row): Promise<void> {
  const { change, touches, leaves, sees } = row;
  const before = last;
  change();
  declare();
  const { code, stdout } = await playbook("--limit", "hv", "--diff");
  if (code !== 0) throw new Error(stdout);
  expect(stdout).toContain(told("on", row));
  expect(stdout).toContain(told("off", { ...row, announced: "live" }));
  last = await all();
  for (const name of ["on", "off"] as const) {
    const gone = leaves ? without(elements(before[name]), elements(last[name])) : without(before[name], last[name]);
    expect(gone.filter((line) => !touches?.test(line))).toEqual(leaves ? [expect.stringMatching(`^ *<${leaves} `)] : []);
  }
  // What is new is there at once.
  const running = (await virsh("dumpxml", "on")).replaceAll(/ index='\d+'/g, "").split("\n");
  if (row.announced === "live") expect(without(without(last.on, before.on), running)).toEqual([]);
  expect(last.process).toBe(before.process);
  expect(last.contents).toEqual(before.contents);
  expect(last.machine["uptime"]!).toBeGreaterThan(before.machine["uptime"]!);
  expect(last.machine).toMatchObject(sees ?? {});
}

const volumes = ["on", "off", "on-more", "off-more"];

test.each(rows)("$what ($announced)", (row) => walk(row));

test("a restart, once allowed, brings what waits for one, and there is nothing more to do", async () => {
  const { output } = await good(stack(["up", "--yes", "--skip-preview", "--refresh"]));
  expect(output).toMatch(/it gets .*vcpu.* when it starts next/);
  const { uptime } = await machine(ADDRESS);
  fields = { ...fields, restart: "allowed" };
  declare();
  await up();
  const now = await machine(ADDRESS);
  expect(now["uptime"]!).toBeLessThan(uptime!);
  expect(now).toMatchObject({ processors: 1, "disk vda": 65536, "disk vdb": 32768 });
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  last = await all();
});

test("user data of the vault is in the seed of a guest, and nowhere else", async () => {
  expect(await text("hv", `grep -c ${SECRET} /var/lib/libvirt/boot/homelab-on.iso; stat -c %a /var/lib/libvirt/boot/homelab-on.iso`)).toBe(
    "1\n600\n",
  );
  expect((await searchHost(lab, needlesOf(SECRET))).found).toEqual([]);
  expect((await good(stack(["stack", "export", "--show-secrets"]))).output).not.toContain(SECRET);
  await setVault({ greeting: "hello", seed: `#cloud-config\n{ password: another-${SECRET} }\n` });
  const { output } = await good(stack(["preview", "--diff"]));
  expect(output).toMatch(/domain\/on\b[^]*user_data_digest/);
  expect(output).not.toContain(SECRET);
});

test.each(leaving)("$what ($announced)", (row) => walk(row));
