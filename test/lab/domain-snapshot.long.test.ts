// A guest with `snapshot: true` that does not come up with a change is put back, also by the run after one that was broken off.
import { KERNEL, POOLS, contents, definition, plug, tiny, virsh, volume, write } from "./guests";
import { type Lab } from "./lab";
import { pageWithin, text } from "./look";
import { asHypervisor, good, hypervisor, stack, startUp, up } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;
let sha256: string;
let before: { definition: string[]; contents: string[] };

const ADDRESS = "10.10.10.38";
/** A guest that overwrites what is on its disk, and comes up no more. */
const LOST = { kernel: { ...KERNEL, cmdline: `${KERNEL.cmdline} spoil` } };

const declare = (more: object = {}) =>
  asHypervisor({
    pools: POOLS,
    images: [{ name: "filled", source: "/srv/filled.raw", sha256 }],
    volumes: [volume("precious", { image: "filled" })],
    domains: [
      tiny("precious", {
        disks: [{ volume: "vms/precious" }],
        interfaces: [plug(ADDRESS)],
        restart: "allowed",
        snapshot: true,
        ready_timeout: 60,
        force_off: true,
        shutdown_seconds: 10,
        ...more,
      }),
    ],
  });

const now = async () => ({ definition: await definition("precious"), contents: await contents(["precious"]) });

/** Waits until the guest answers, which was started without waiting for it. */
const answers = () => pageWithin(60, "hv", `http://${ADDRESS}/cgi-bin/machine`);

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/filled.raw; sha256sum /srv/filled.raw")).slice(0, 64);
  declare();
  await up();
  await write(ADDRESS, "precious");
  before = await now();
  expect(before.contents).not.toEqual([sha256]);
});

afterAll(() => lab.reset());

test("what does not come up with a change is put back, and says what its console said", async () => {
  declare(LOST);
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(output).toMatch(
    /after 60 s there is no answer from 10\.10\.10\.38; its console's last lines:[^]*panic[^]*It was rolled back to before this change/,
  );
  expect(await now()).toEqual(before);
  await answers();
  expect((await virsh("snapshot-list", "precious", "--name")).trim()).toBe("");
});

test("another machine that does not come up is put back as the one that it was", async () => {
  declare({ ...LOST, machine: "pc" });
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(output).toMatch(/panic[^]*It was rolled back to before this change/);
  expect(await now()).toEqual(before);
  await answers();
});

/** A run that is killed while it waits for the guest, which has come to its end by then. */
async function brokenOff(): Promise<void> {
  declare({ ...LOST, ready_timeout: 600 });
  const running = startUp();
  await text("hv", "timeout 300 sh -c 'until grep -qs panic /var/log/libvirt/qemu/*.console.log; do sleep 1; done'; pkill -9 -x python3");
  expect((await running.done).code).not.toBe(0);
  expect((await now()).contents).not.toEqual(before.contents);
}

test("after a run that was broken off the next one that fails puts it back to before both", async () => {
  await brokenOff();
  declare(LOST);
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(output).toContain("It was rolled back to before this change");
  expect(await now()).toEqual(before);
  await answers();
});

test("after a run that was broken off the next one makes it good; with what comes up its disk stays as it is", async () => {
  await brokenOff();
  declare();
  await up();
  expect((await now()).definition).toEqual(before.definition);
  await answers();
  expect((await virsh("snapshot-list", "precious", "--name")).trim()).toBe("");
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});

test("without a snapshot it stays as it is, and the next change makes it good", async () => {
  declare({ ...LOST, snapshot: false });
  expect((await stack(["up", "--yes", "--skip-preview"])).output).toMatch(/after 60 s there is no answer/);
  expect((await definition("precious")).join("\n")).toContain("spoil");
  expect((await now()).contents).not.toEqual(before.contents);
  declare();
  await up();
  expect((await now()).definition).toEqual(before.definition);
  await answers();
});
