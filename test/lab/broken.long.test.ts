// An up that breaks off somewhere: the next run makes it good without hand work, on either route.
import { readFileSync, readdirSync } from "node:fs";
import { type Lab } from "./lab";
import { text } from "./look";
import { changed, configured, edit, good, playbook, stack, startUp } from "./project";
import { sleep } from "./run";

// More of them take hours: HOMELAB_BREAK_POINTS=20.
const POINTS = Number(process.env["HOMELAB_BREAK_POINTS"] ?? 3);

jest.setTimeout(1_800_000 * POINTS);

const PART = [
  "  - user: web\n    name: more.container\n    sections:\n",
  "      Container: { Image: web.image, Exec: sleep 3600, Network: none }\n",
  "      Service: { TimeoutStopSec: 2 }\n      Install: { WantedBy: default.target }\n",
].join("");

/** One change of each kind, and a new unit of some. */
function change(): void {
  const file = "host_vars/hv.yml";
  edit(file, "forwarding: true", "forwarding: false");
  edit(file, "trunk: [10, 20]", "trunk: [10, 20, 30]");
  edit(file, "  - name: iot\n", "  - { name: more, id: 30, bridge: br0, address: 10.10.30.1/24 }\n  - name: iot\n");
  edit(file, "devices reach nothing on this host", "devices reach nothing");
  edit(file, "\nservice_users:\n", "\nservice_users:\n  - { name: more, uid: 2002, subids: { start: 400000 } }\n");
  edit(file, "Description: The lab's page", "Description: A page");
  edit(file, "\nquadlet_units:\n", `\nquadlet_units:\n${PART}`);
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

function kill(pid: number): void {
  for (const one of descendants(pid)) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

let lab: Lab;
let whole: number;

beforeAll(async () => {
  lab = await configured();
  change();
  const start = Date.now();
  expect((await good(stack(["up", "--yes", "--skip-preview"]))).output).toMatch(/\+ 3 created/);
  whole = Date.now() - start;
});

afterAll(() => lab.reset());

const points = Array.from({ length: POINTS }, (_, n) => [
  Math.round(((n + 0.5) / POINTS) * 100),
  n % 2 ? "the connection is cut" : "the controller is killed",
  n % 7 === 1 ? "plain Ansible" : "up",
]) as [number, string, string][];

test.each(points)("at %i %% of an up %s; %s makes it good", async (percent, how, route) => {
  await configured();
  change();
  const up = startUp();
  await sleep((whole * percent) / 100);
  if (how.includes("killed")) {
    kill(up.pid);
    await up.done;
    await good(stack(["cancel", "--yes"]));
  } else {
    await lab.plug(false);
    await up.done;
    await lab.plug(true);
    await lab.waitForLogin("hv", 120);
  }
  if (route !== "up") expect((await playbook()).code).toBe(0);
  await good(stack(["up", "--yes", "--skip-preview"]));
  expect((await good(stack(["up", "--yes", "--skip-preview"]))).output).toMatch(/20 unchanged/);
  expect(changed((await playbook("--check")).stdout)).toEqual({ hv: 0, app: 0 });
});

test("a full disk is told, nothing is lost, and the next run makes it good", async () => {
  await configured();
  change();
  await text(
    "hv",
    "fallocate -l $(df --output=avail -B1 / | tail -1) /full || dd if=/dev/zero of=/full bs=1M 2>/dev/null; dd if=/dev/zero of=/full2 bs=4k 2>/dev/null; true",
  );
  const done = await stack(["up", "--yes", "--skip-preview"]);
  expect([done.code === 0, done.output]).toEqual([false, expect.stringContaining("No space left on device")]);
  await text("hv", "rm -f /full /full2");
  await good(stack(["up", "--yes", "--skip-preview"]));
  expect((await good(stack(["up", "--yes", "--skip-preview"]))).output).toMatch(/20 unchanged/);
});
