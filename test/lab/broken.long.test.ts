// An up that breaks off somewhere: the next run makes it good without hand work, on either route.
import { readFileSync, readdirSync } from "node:fs";
import { KERNEL, POOLS, idle, plug, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { alter, changed, edit, good, hypervisor, playbook, stack, startUp, up } from "./project";
import { sleep } from "./run";

// Each takes a quarter of an hour on emulated hosts; -t picks some of them.
const POINTS = Number(process.env["HOMELAB_BREAK_POINTS"] ?? 10);

jest.setTimeout(3_600_000);

const PART = {
  user: "web",
  name: "more.container",
  sections: {
    Container: { Image: "web.image", Exec: "sleep 3600", Network: "none" },
    Service: { TimeoutStopSec: 2 },
    Install: { WantedBy: "default.target" },
  },
};

/** What is changed of hv. */
interface Hv {
  homelab_host: { forwarding: boolean };
  bridges: { ports: { tagged: number[] }[] }[];
  vlans: object[];
  nftables_tables: { content: string }[];
  service_users: object[];
  podman_secrets: object[];
  quadlet_units: { name: string; sections: Record<string, Record<string, unknown>> }[];
}

let lab: Lab;
let whole: number;
let sha256: string;

/** Hosts and state as they are before each up, and in the configuration a change of each kind that is there, or a new unit. */
async function change(): Promise<void> {
  lab = await hypervisor();
  sha256 ??= (await text("hv", `sha256sum ${KERNEL.initrd}`)).slice(0, 64);
  alter<Hv>("host_vars/hv.yml", (hv) => {
    hv.homelab_host.forwarding = false;
    hv.bridges[0]!.ports[0]!.tagged.push(30);
    hv.vlans.push({ name: "more", id: 30, bridge: "br0", address: "10.10.30.1/24" });
    hv.nftables_tables[0]!.content = hv.nftables_tables[0]!.content.replace("devices reach nothing on this host", "devices reach nothing");
    hv.service_users.push({ name: "more", uid: 2002, subids: { start: 400000 } });
    hv.podman_secrets.push({ user: "web", name: "more", from: "greeting" });
    hv.quadlet_units.find(({ name }) => name === "web.container")!.sections["Unit"]!["Description"] = "A page";
    hv.quadlet_units.push(PART);
    Object.assign(hv, {
      pools: POOLS,
      images: [{ name: "source", source: KERNEL.initrd, sha256 }],
      volumes: [volume("more", { image: "source" })],
      domains: [idle("more", { disks: [{ volume: "vms/more" }], interfaces: [plug("10.10.10.39")] })],
    });
  });
  edit("host_vars/app.yml", "the page is for its own VLAN", "the page is for its VLAN");
}

/** All processes that a process started, and theirs. */
function descendants(pid: number): number[] {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const);
  const below = (parent: number): number[] => stats.filter(([, of]) => of === parent).flatMap(([one]) => [one, ...below(one)]);
  return [pid, ...below(pid)];
}

function parentOf(pid: string): number {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) . /s, "")
        .split(" ")[0],
    );
  } catch {
    return -1;
  }
}

/** Kills an up when so much of the time has passed that a whole one takes. */
async function kill(percent: number): Promise<void> {
  await change();
  const start = Date.now();
  const running = startUp();
  await Promise.race([running.done, sleep((whole * percent) / 100)]);
  killAll(running.pid);
  const { code } = await running.done;
  // One that ended by itself has an exit code.
  if (code === null) return;
  expect(code).toBe(0);
  whole = Date.now() - start;
  return kill(percent);
}

function killAll(pid: number): void {
  for (const one of descendants(pid)) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Hosts, state and configuration say the same, and Pulumi has nothing to warn of. The words for the refresh are README's. */
async function expectWhole(): Promise<void> {
  await good(stack(["refresh", "--yes", "--clear-pending-creates", "--expect-no-changes"]));
  await good(stack(["preview", "--expect-no-changes", "--config", "homelab:verify=false"]));
  const { deployment } = JSON.parse((await good(stack(["stack", "export"]))).output) as { deployment: { pending_operations?: object[] } };
  expect(deployment.pending_operations ?? []).toEqual([]);
}

/** Plain Ansible has nothing to do, either. */
const expectNothingToDo = async () => expect(changed((await playbook("--check")).stdout)).toEqual({ hv: 0, app: 0 });

beforeAll(async () => {
  await change();
  const start = Date.now();
  expect((await up()).output).toMatch(/\+ 8 created/);
  whole = Date.now() - start;
});

afterAll(() => lab.reset());

const points = Array.from({ length: POINTS }, (_, n): [number, string] => [
  Math.round(((n + 0.5) / POINTS) * 90),
  n % 10 === 5 ? "plain Ansible" : "up",
]);

test.each(points)("at %i %% of an up the controller is killed; %s makes it good", async (percent, route) => {
  await kill(percent);
  await good(stack(["cancel", "--yes"]));
  if (route !== "up") expect((await playbook()).code).toBe(0);
  await up();
  await expectWhole();
  if (route !== "up") await expectNothingToDo();
});

test("in the middle of an up the connection is cut; up makes it good", async () => {
  await change();
  const running = startUp();
  await sleep(whole / 2);
  await lab.plug(false);
  const { code } = await running.done;
  await lab.plug(true);
  await lab.waitForLogin("hv", 120);
  expect(code).not.toBe(0);
  await up();
  await expectWhole();
  await expectNothingToDo();
});

test("a full disk is told, nothing is lost, and the next run makes it good", async () => {
  await change();
  await text(
    "hv",
    "fallocate -l $(df --output=avail -B1 / | tail -1) /full || dd if=/dev/zero of=/full bs=1M 2>/dev/null; dd if=/dev/zero of=/full2 bs=4k 2>/dev/null; true",
  );
  const done = await stack(["up", "--yes", "--skip-preview"]);
  expect([done.code === 0, done.output]).toEqual([false, expect.stringContaining("No space left on device")]);
  await text("hv", "rm -f /full /full2");
  await up();
  await expectWhole();
  await expectNothingToDo();
});
