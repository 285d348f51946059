// 30 guests, each with a random sequence of changes, renames, replacements, removals and re-creations: what was written on their disks
// stays.
import { POOLS, fill, idle, tiny, volume } from "./guests";
import { type Lab } from "./lab";
import { text } from "./look";
import { asHypervisor, changed, good, hypervisor, playbook, stack, up } from "./project";

jest.setTimeout(7_200_000);

let lab: Lab;

const GUESTS = 30;
const ROUNDS = 6;
const SEED = Number(process.env["HOMELAB_TEST_SEED"] ?? 7);

/** Mulberry32, so that a sequence can be had again. */
function randomOf(seed: number): <T>(from: readonly T[]) => T {
  let state = seed;
  return (from) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from[((mixed ^ (mixed >>> 14)) >>> 0) % from.length]!;
  };
}

const pick = randomOf(SEED);

class Sequence {
  name: string;
  previous: string | undefined;
  hasDomain = true;
  hasVolume = true;
  size = 8;
  fields: object = {};
  readonly format: string;
  readonly onDelete: string;
  readonly file: string;
  /** What was done, for whoever reads of a failure. */
  readonly steps: string[] = [];

  constructor(number: number) {
    this.name = `s${number}`;
    this.file = `d${number}`;
    this.format = pick(["qcow2", "raw"]);
    this.onDelete = pick(["keep", "keep", "keep", "destroy"]);
  }

  /** The next change. What is away comes again. */
  step(round: number): void {
    const step =
      this.hasDomain && this.hasVolume ? pick(["field", "rename", "replace", "destroy", "grow", "destroy all", "xml", "seed"]) : "create";
    this.steps.push(step);
    this.previous = undefined;
    if (step === "create") this.hasDomain = this.hasVolume = true;
    if (step === "field") this.set({ memory: pick(["128 MiB", "160 MiB"]), vcpus: pick([1, 2]), description: pick(["a", "b"]) });
    if (step === "replace") this.set({ machine: pick(["q35", "pc"]), firmware: pick(["bios", "uefi"]) });
    if (step === "xml")
      this.set({ xml: pick(["<domain><on_crash>restart</on_crash></domain>", "<domain><clock offset='localtime'/></domain>"]) });
    if (step === "seed") this.set({ cloud_init: { user_data: `#cloud-config\n{a: ${round}}\n` } });
    if (step === "grow") this.size += 4;
    if (step.startsWith("destroy")) this.hasDomain = false;
    if (step === "destroy all") this.hasVolume = false;
    if (step === "rename") {
      this.previous = this.name;
      this.name = `${this.file}-${round}`;
    }
  }

  private set(more: object): void {
    this.fields = { ...this.fields, ...more };
  }

  volumes(): object[] {
    const { file, size, format, onDelete } = this;
    return this.hasVolume ? [volume(file, { size: `${size} MiB`, format, on_delete: onDelete, image: "filled", adopt: true })] : [];
  }

  domains(): object[] {
    const { name, file, previous, fields } = this;
    const renamed = previous === undefined ? {} : { renamed_from: previous };
    return this.hasDomain ? [idle(name, { disks: [{ volume: `vms/${file}` }], restart: "allowed", ...fields, ...renamed })] : [];
  }
}

const sequences = Array.from({ length: GUESTS }, (_, number) => new Sequence(number));
let sha256: string;

// One beside them runs all the while.
const declare = () =>
  asHypervisor({
    pools: POOLS,
    images: [{ name: "filled", source: "/srv/filled.raw", sha256 }],
    volumes: sequences.flatMap((one) => one.volumes()),
    domains: [tiny("steady"), ...sequences.flatMap((one) => one.domains())],
  });

/** What is on each disk that there is, by its file: the SHA-256 of its first 4 MiB. */
async function contents(): Promise<Record<string, string>> {
  const said = await text(
    "hv",
    sequences
      .map(
        ({ file, format }) =>
          `[ ! -e /srv/vms/${file} ] || echo ${file} $(qemu-img dd -f ${format} -O raw bs=1M count=4 if=/srv/vms/${file} of=/tmp/raw && sha256sum </tmp/raw)`,
      )
      .join("; "),
  );
  return Object.fromEntries(said.match(/\S+ [0-9a-f]{64}/g)!.map((line) => line.split(" ") as [string, string]));
}

/** What was on each disk after the last step. */
let written: Record<string, string> = {};

/** As it was written; of a new one its image. */
const expected = (): Record<string, string> =>
  Object.fromEntries(
    sequences
      .filter(({ hasVolume, onDelete }) => hasVolume || onDelete === "keep")
      .map(({ file }): [string, string] => [file, written[file] ?? sha256]),
  );

/** Has each new disk hold something of its own, so that none is its image's copy. */
async function write(): Promise<void> {
  for (const format of ["qcow2", "raw"]) {
    const bare = sequences.filter((one) => one.format === format && one.hasVolume && written[one.file] === undefined);
    await fill(
      bare.map(({ file }) => file),
      format,
    );
  }
  written = await contents();
  const hashes = Object.values(written);
  expect(new Set([...hashes, sha256]).size).toBe(hashes.length + 1);
}

beforeAll(async () => {
  lab = await hypervisor();
  sha256 = (await text("hv", "head -c 4M /dev/urandom >/srv/filled.raw; sha256sum /srv/filled.raw")).slice(0, 64);
  declare();
  await up();
  expect(await contents()).toEqual(expected());
  await write();
});

afterAll(() => lab.reset());

test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(`step ${"%i"} of ${GUESTS} sequences`, async (round) => {
  for (const one of sequences) one.step(round);
  const started = await text("hv", "cat /run/libvirt/qemu/steady.pid");
  declare();
  await up();
  const steps = sequences.map(({ file, steps }) => `${file}: ${steps.join(", ")}`);
  expect([steps, await contents()]).toEqual([steps, expected()]);
  await write();
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
  expect(await text("hv", "cat /run/libvirt/qemu/steady.pid")).toBe(started);
});

test("the host holds it all, as Pulumi sees it", async () => {
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
});
