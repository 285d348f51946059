// Runs that are killed (-9) in the middle of what they do to a domain: it is old or new, and the next run makes it good.
import { KERNEL, POOLS, contents, definition, fill, idle, plug, tiny, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, good, hypervisor, stack, startUp, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;
let sha256: string;
let identity: string[];

const STUBBORN = { kernel: { ...KERNEL, cmdline: `${KERNEL.cmdline} stubborn` }, interfaces: [plug("10.10.10.43")] };
const PATIENT = { restart: "allowed", shutdown_seconds: 300 };
const HASTY = { restart: "allowed", shutdown_seconds: 5, force_off: true };

const declare = (name: string, more: object) =>
  asHypervisor({
    pools: POOLS,
    images: [{ name: "filled", source: "/srv/filled.raw", sha256 }],
    volumes: [volume("precious", { size: "64 MiB", image: "filled" })],
    domains: [tiny(name, { disks: [{ volume: "vms/precious" }], ...STUBBORN, ...more })],
  });

/** Kills a run, with all that it has started on hv, once this shell command succeeds there. */
async function killed(when: string): Promise<void> {
  const running = startUp();
  await text("hv", `timeout 300 sh -c 'until ${when}; do sleep 0.1; done'; pkill -9 -x python3; pkill -9 -x qemu-img; true`);
  expect((await running.done).code).not.toBe(0);
}

/** A run has begun with a domain, and by now waits for its guest. */
const WAITS = "grep -qs pending /var/lib/homelab/lab/domain/*.json && sleep 10";

/** By what a domain is the same one. */
async function identityOf(name: string): Promise<string[]> {
  const macs = (await definition(name)).filter((line) => line.includes("<mac "));
  return [await virsh("domuuid", name), ...macs, ...(await contents(["precious"]))];
}

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", "head -c 64M /dev/urandom >/srv/filled.raw; sha256sum /srv/filled.raw")).slice(0, 64);
});

afterAll(() => lab.reset());

test("while a volume is copied: no half of it is left, or taken for a whole one", async () => {
  const shut = { running: false, autostart: false };
  declare("web", shut);
  await killed("pgrep -x qemu-img");
  expect(await virsh("list", "--all", "--name")).not.toContain("web");
  declare("web", shut);
  await up();
  expect(await text("hv", "ls -A /srv/vms")).toBe("precious\n");
  const copied = "qemu-img convert -O raw /srv/vms/precious /tmp/copied && head -c 64M /tmp/copied | sha256sum; rm /tmp/copied";
  expect(await text("hv", copied)).toContain(sha256);
  await fill(["precious"]);
  identity = await identityOf("web");
});

test("while a guest that is renamed is waited for: it has one name, and all that was its own", async () => {
  declare("web", PATIENT);
  await up();
  declare("renamed", { renamed_from: "web", ...PATIENT });
  await killed(WAITS);
  expect((await virsh("list", "--all", "--name")).trim()).toBe("web");
  expect(await identityOf("web")).toEqual(identity);
  declare("renamed", { renamed_from: "web", ...HASTY });
  await up();
  expect((await virsh("list", "--all", "--name")).trim()).toBe("renamed");
  expect(await identityOf("renamed")).toEqual(identity);
});

test("while a guest is waited for that is to be another machine: it is one or the other", async () => {
  declare("renamed", { machine: "pc", ...PATIENT });
  await killed(WAITS);
  expect(await virsh("domstate", "renamed")).toBe("running\n");
  expect(await identityOf("renamed")).toEqual(identity);
  declare("renamed", { machine: "pc", ...HASTY });
  await up();
  expect((await definition("renamed")).join("\n")).toContain("machine='pc-i440fx");
  expect(await identityOf("renamed")).toEqual(identity);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});

test("while domains are defined: each is there whole or not at all", async () => {
  const many = Array.from({ length: 20 }, (_, number) => idle(`one-${number}`, { memory: "32 MiB" }));
  asHypervisor({ pools: POOLS, domains: many });
  await killed("[ $(virsh -q list --all --name | grep -c one-) -ge 5 ]");
  const there = (await virsh("list", "--all", "--name")).match(/one-\d+/g) ?? [];
  expect(there.length).toBeLessThan(20);
  for (const name of there) expect((await definition(name)).join("\n")).toContain("<kernel>");
  await up();
  expect((await virsh("list", "--all", "--name")).match(/one-\d+/g)).toHaveLength(20);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});
