// One fault at side effects of a change of every kind, on both routes: others' things stay, the next run repairs it, and the one after
// has nothing to do. HOMELAB_FAULTS names other faults (kill, full, clock, reset), HOMELAB_FAULT_POINTS how many points of each.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KERNEL, idle, volume } from "./guests";
import { type Lab } from "./lab";
import { pageWithin, text } from "./look";
import { alter, changed, good, hypervisor, playbook, setVault, stack, up } from "./project";

jest.setTimeout(14_400_000);

const FAULTS = (process.env["HOMELAB_FAULTS"] ?? "kill,full").split(",");
const POINTS = Number(process.env["HOMELAB_FAULT_POINTS"] ?? 2);

interface Hv {
  homelab_host: { confirm?: string[] };
  bridges: { ports: { tagged: number[] }[] }[];
  vlans: { name: string; mtu?: number }[];
  nftables_tables: { content: string }[];
  service_users: object[];
  quadlet_units: { files?: Record<string, string> }[];
  [list: string]: unknown;
}

interface Change {
  /** Changes the kind's one resource, or declares a new one, for the n-th time. */
  make: (hv: Hv, n: number) => void;
  /** What shows on hv that it was made. */
  look: (n: number) => Promise<string>;
  shows: (n: number) => RegExp;
}

let lab: Lab;
let sha256: string;
let others: string;
let rounds = 0;
const tried: string[] = [];

const CHANGES: Record<string, Change> = {
  host: {
    make: (hv, n) => (hv.homelab_host.confirm = [`ping 127.0.0.${n}`]),
    look: () => text("hv", "cat /etc/homelab/confirm"),
    shows: (n) => new RegExp(`127\\.0\\.0\\.${n}\\b`),
  },
  "service-user": {
    make: (hv, n) => (hv.service_users[1] = { name: `more${n}`, uid: 3000 + n, subids: { start: 1_000_000 + n * 65_536 } }),
    look: (n) => text("hv", `id -u more${n}; systemctl is-active user@${3000 + n}`),
    shows: (n) => new RegExp(`^${3000 + n}\nactive$`, "m"),
  },
  "nftables-table": {
    make: ({ nftables_tables: [table] }, n) =>
      (table!.content = table!.content.replace(/devices reach nothing[^"]*/, `devices reach nothing ${n}`)),
    look: () => text("hv", "nft list table inet isolation"),
    shows: (n) => new RegExp(`devices reach nothing ${n}"`),
  },
  bridge: {
    make: ({ bridges: [bridge] }, n) => (bridge!.ports[0]!.tagged = [10, 20, 100 + n]),
    look: () => text("hv", "bridge vlan show dev eth1"),
    shows: (n) => new RegExp(`^ *${100 + n}$`, "m"),
  },
  vlan: {
    make: ({ vlans }, n) => (vlans[1]!.mtu = 1400 + n),
    look: () => text("hv", "cat /sys/class/net/iot/mtu"),
    shows: (n) => new RegExp(`^${1400 + n}$`, "m"),
  },
  sysctl: {
    make: (hv, n) => (hv["sysctls"] = [{ name: "faults", settings: { "vm.swappiness": 10 + n } }]),
    look: () => text("hv", "sysctl -n vm.swappiness"),
    shows: (n) => new RegExp(`^${10 + n}$`, "m"),
  },
  pool: {
    make: (hv, n) =>
      (hv["pools"] = [
        { name: "guests", path: "/srv/guests" },
        { name: `more${n}`, path: `/srv/more${n}` },
      ]),
    look: (n) => text("hv", `virsh -q pool-info more${n}`),
    shows: () => /^State: +running$/m,
  },
  image: {
    make: (hv, n) => (hv["images"] = [{ name: `source${n}`, source: KERNEL.initrd, sha256 }]),
    look: () => text("hv", `sha256sum /var/lib/homelab-images/${sha256}`),
    shows: () => new RegExp(`^${sha256}`, "m"),
  },
  volume: {
    make: (hv, n) =>
      (hv["volumes"] = [
        { pool: "guests", name: "tiny", size: "16 MiB" },
        { ...volume(`more${n}`), pool: "guests" },
      ]),
    look: (n) => text("hv", `virsh -q vol-info more${n} --pool guests`),
    shows: () => /^Capacity: +16\.00 MiB$/m,
  },
  domain: {
    make: (hv, n) => (hv["domains"] = [idle("more", { description: `the guest ${n}` })]),
    look: () => text("hv", "virsh -q desc more"),
    shows: (n) => new RegExp(`^the guest ${n}$`, "m"),
  },
  "podman-secret": {
    // Its value is in the vault.
    make: () => undefined,
    look: () => text("hv", "cd /; runuser -u web -- env XDG_RUNTIME_DIR=/run/user/2001 podman secret inspect --showsecret greeting"),
    shows: (n) => new RegExp(`"hello ${n}"`),
  },
  "quadlet-unit": {
    make: ({ quadlet_units: units }, n) => void units.forEach(({ files }) => files && (files["site/index.html"] = `page ${n}`)),
    look: () => pageWithin(60, "hv", "http://10.10.10.1:8080/"),
    shows: (n) => new RegExp(`^page ${n}$`, "m"),
  },
};

/** What no run may touch: somebody's own rules, links, users, files and services. */
const OTHERS =
  "nft -a list table inet theirs; ip -o address show dev theirs; getent passwd theirs; cat /etc/subuid | grep theirs; " +
  "ls -lR --time-style=full-iso /home/theirs /srv/theirs; sha256sum /srv/theirs/* /srv/guests/tiny; virsh -q list --all --uuid | sort | head -1";

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", `sha256sum ${KERNEL.initrd}`)).slice(0, 64);
  await text(
    "hv",
    "nft add table inet theirs; nft add chain inet theirs c; nft add rule inet theirs c counter accept; ip link add theirs type dummy; " +
      "ip address add 192.0.2.9/32 dev theirs; useradd --create-home theirs; mkdir /srv/theirs; echo theirs >/srv/theirs/file",
  );
  alter<Hv>("host_vars/hv.yml", (hv) => {
    hv["pools"] = [{ name: "guests", path: "/srv/guests" }];
    hv["volumes"] = [{ pool: "guests", name: "tiny", size: "16 MiB" }];
  });
  await setVault({ greeting: "hello" });
  await up();
  const injector = JSON.stringify(readFileSync(join(__dirname, "faults.py"), "utf8"));
  const folder = "/usr/lib/python3/dist-packages";
  await lab.ssh("hv", `python3 -c 'import sys,json; open("${folder}/lab_fault.py", "w").write(json.load(sys.stdin))'`, {
    sudo: true,
    input: injector,
  });
  await text("hv", `echo "import lab_fault" >${folder}/lab-fault.pth`);
  others = await text("hv", OTHERS);
});

afterAll(async () => {
  await lab.reset();
  process.stdout.write(`${tried.join("\n")}\n${tried.length} points tried\n`);
});

async function change(kind: string): Promise<number> {
  const n = (rounds += 1);
  if (kind === "podman-secret") await setVault({ greeting: `hello ${n}` });
  alter<Hv>("host_vars/hv.yml", (hv) => CHANGES[kind]!.make(hv, n));
  return n;
}

/** Has one fault happen on hv while something is done. */
async function during<T>(fault: string, at: number, work: () => Promise<T>): Promise<T> {
  await text("hv", `echo '${JSON.stringify({ fault, at })}' >/run/lab-fault; rm -f /run/lab-fault.log`);
  const done = await work();
  if (fault === "reset") await lab.powerCycle("hv");
  await text("hv", "rm -f /run/lab-fault");
  return done;
}

/** The side effects of a change of a kind. */
async function effectsOf(kind: string): Promise<string[]> {
  await change(kind);
  const { code, stdout } = await during("", 0, () => playbook("--limit", "hv"));
  if (code !== 0) throw new Error(stdout);
  return (await text("hv", "cat /run/lab-fault.log")).trim().split("\n");
}

/** The change is made, and nothing of others. */
async function expectMade(kind: string, n: number, where: string): Promise<void> {
  const { look, shows } = CHANGES[kind]!;
  expect([where, await look(n)]).toEqual([where, expect.stringMatching(shows(n))]);
  expect([where, await text("hv", OTHERS)]).toEqual([where, others]);
}

const at = (points: number, effects: string[]): number[] => [
  ...new Set(Array.from({ length: points }, (_, n) => Math.floor(((n + 0.5) / points) * effects.length))),
];

test.each(Object.keys(CHANGES))("%s: a fault of a run of plain Ansible", async (kind) => {
  const effects = await effectsOf(kind);
  expect(effects.length).toBeGreaterThan(2);
  for (const fault of FAULTS)
    for (const point of at(POINTS, effects)) {
      const where = `ansible ${kind} ${fault} at ${point} of ${effects.length}: ${effects[point]}`;
      const n = await change(kind);
      await during(fault, point, () => playbook("--limit", "hv"));
      const { code, stdout } = await playbook("--limit", "hv");
      expect([where, code, stdout]).toEqual([where, 0, stdout]);
      await expectMade(kind, n, where);
      expect([where, changed((await playbook("--limit", "hv", "--check")).stdout)]).toEqual([where, { hv: 0 }]);
      tried.push(where);
    }
});

test.each(Object.keys(CHANGES))("%s: a fault of an up", async (kind) => {
  await up("--refresh");
  const effects = await effectsOf(kind);
  for (const fault of FAULTS)
    for (const point of at(Math.ceil(POINTS / 2), effects)) {
      const where = `pulumi ${kind} ${fault} at ${point} of ${effects.length}: ${effects[point]}`;
      const n = await change(kind);
      await during(fault, point, () => stack(["up", "--yes", "--skip-preview"]));
      await up();
      await expectMade(kind, n, where);
      await good(stack(["preview", "--refresh", "--expect-no-changes"]));
      tried.push(where);
    }
});
