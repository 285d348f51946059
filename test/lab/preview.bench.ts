// npm run bench: what a verified preview of 1, 20 and 100 units costs, beside one that asks no host, and beside the engine alone.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { env, configured, fresh, good, inventory, stack } from "./project";
import { projectRoot, pulumi } from "./pulumi";
import { say } from "./run";

const COUNTS = [1, 20, 100];
const TIMES = 3;
const WIDE = { PULUMI_PARALLEL: "256" };
const engine = join(projectRoot, ".state/bench");

/** hv alone, with its base and that many units in all. */
function declare(count: number): void {
  const file = join(inventory, "host_vars/hv.yml");
  const { homelab_host } = parse(readFileSync(file, "utf8")) as { homelab_host: object };
  const tables = Array.from({ length: count - 1 }, (_, n) => ({
    family: "inet",
    name: `bench${n}`,
    content: `chain c { tcp dport ${n + 1} accept; }`,
  }));
  writeFileSync(file, stringify({ homelab_host, nftables_tables: tables }));
  rmSync(join(inventory, "host_vars/app.yml"), { force: true });
  writeFileSync(join(inventory, "hosts.yml"), stringify({ all: { hosts: { hv: null } } }));
}

/** A program of as many dynamic resources that do nothing. */
function declareEngineAlone(count: number): void {
  rmSync(engine, { recursive: true, force: true });
  mkdirSync(engine, { recursive: true });
  writeFileSync(join(engine, "Pulumi.yaml"), stringify({ name: "bench", runtime: "nodejs", main: "index.js" }));
  writeFileSync(
    join(engine, "index.js"),
    `const { dynamic } = require("@pulumi/pulumi");
const provider = { create: async (inputs) => ({ id: inputs.name, outs: inputs }), diff: async () => ({ changes: false }) };
class Unit extends dynamic.Resource {}
for (let n = 0; n < ${count}; n += 1) new Unit(provider, "unit" + n, { name: "unit" + n });
`,
  );
}

const alone = (...args: string[]) => good(pulumi([...args, "--non-interactive", "--stack", "bench"], { ...env, ...WIDE }, false, engine));

/** The shortest of some tries, in seconds: what disturbs only makes longer. */
async function seconds(work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < TIMES; n += 1) {
    const begun = Date.now();
    await work();
    all.push((Date.now() - begun) / 1000);
  }
  return Math.min(...all);
}

async function main(): Promise<void> {
  const lab = await configured();
  await fresh();
  for (const count of COUNTS) {
    declare(count);
    await good(stack(["up", "--yes", "--skip-preview"], WIDE));
    const verified = await seconds(() => good(stack(["preview", "--expect-no-changes"], WIDE)));
    const unverified = await seconds(() => good(stack(["preview", "--expect-no-changes", "--config", "homelab:verify=false"], WIDE)));
    declareEngineAlone(count);
    await alone("stack", "init");
    await alone("up", "--yes", "--skip-preview");
    const bare = await seconds(() => alone("preview", "--expect-no-changes"));
    await alone("destroy", "--yes", "--remove");
    const ratio = (one: number) => `${(one / bare).toFixed(1)} times that`;
    say(`${count} units: engine alone ${bare.toFixed(1)} s, unverified ${ratio(unverified)}, verified ${ratio(verified)}`);
  }
  rmSync(engine, { recursive: true, force: true });
  await lab.reset();
}

void main();
