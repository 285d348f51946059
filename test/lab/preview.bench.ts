// npm run bench: what a verified preview of 1, 20 and 100 units costs, of which none or all change, beside one that asks no host, and
// beside the engine alone.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { env, configured, fresh, good, inventory, stack } from "./project";
import { type PulumiRun, projectRoot, pulumi } from "./pulumi";
import { say } from "./run";

const COUNTS = [1, 20, 100];
const TIMES = 3;
const WIDE = { PULUMI_PARALLEL: "256" };
const engine = join(projectRoot, ".state/bench");

/** hv alone, with its base and that many units in all, each one way or another. */
function declare(count: number, way: boolean): void {
  const file = join(inventory, "host_vars/hv.yml");
  const { homelab_host } = parse(readFileSync(file, "utf8")) as { homelab_host: object };
  const tables = Array.from({ length: count - 1 }, (_, n) => ({
    family: "inet",
    name: `bench${n}`,
    content: `chain c { tcp dport ${n + 1} ${way ? "accept" : "drop"}; }`,
  }));
  writeFileSync(file, stringify({ homelab_host: { ...homelab_host, forwarding: way }, nftables_tables: tables }));
  rmSync(join(inventory, "host_vars/app.yml"), { force: true });
  writeFileSync(join(inventory, "hosts.yml"), stringify({ all: { hosts: { hv: null } } }));
}

/** A program of as many dynamic resources that do nothing. */
function declareEngineAlone(count: number, way: boolean): void {
  mkdirSync(engine, { recursive: true });
  writeFileSync(join(engine, "Pulumi.yaml"), stringify({ name: "bench", runtime: "nodejs", main: "index.js" }));
  writeFileSync(
    join(engine, "index.js"),
    `const { dynamic } = require("@pulumi/pulumi");
const provider = {
  create: async (inputs) => ({ id: inputs.name, outs: inputs }),
  diff: async (id, before, inputs) => ({ changes: before.way !== inputs.way }),
};
class Unit extends dynamic.Resource {}
for (let n = 0; n < ${count}; n += 1) new Unit(provider, "unit" + n, { name: "unit" + n, way: ${way} });
`,
  );
}

const alone = (...args: string[]) => good(pulumi([...args, "--non-interactive", "--stack", "bench"], { ...env, ...WIDE }, false, engine));
const preview = (...args: string[]) => good(stack(["preview", ...args], WIDE));

/** The shortest of some tries, in seconds: what disturbs only makes longer. Each must say this. */
async function seconds(said: RegExp, work: () => Promise<PulumiRun>): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < TIMES; n += 1) {
    const begun = Date.now();
    const { output } = await work();
    all.push((Date.now() - begun) / 1000);
    if (!said.test(output)) throw new Error(`it does not say ${said.source}:\n${output}`);
  }
  return Math.min(...all);
}

/** Says what previews cost of which none or all units change. */
async function measure(count: number, changes: boolean): Promise<void> {
  const expected = changes ? [] : ["--expect-no-changes"];
  const verdict = new RegExp(`hv is verified: ${count} ${changes ? "to change" : "in sync"}\\b`);
  const verified = await seconds(verdict, () => preview(...expected));
  const unverified = await seconds(/^(?![^]*verified)/, () => preview(...expected, "--config", "homelab:verify=false"));
  const bare = await seconds(changes ? /~ \d+ to update/ : / unchanged/, () => alone("preview", ...expected));
  const beside = (one: number) => `${one.toFixed(1)} s (${(one / bare).toFixed(1)} times that)`;
  const what = `${count} ${count === 1 ? "unit" : "units"}, ${changes ? "all changed" : "nothing to do"}`;
  say(`${what}: engine alone ${bare.toFixed(1)} s, unverified ${beside(unverified)}, verified ${beside(verified)}`);
}

async function main(): Promise<void> {
  const lab = await configured();
  await fresh();
  rmSync(engine, { recursive: true, force: true });
  for (const count of COUNTS) {
    declare(count, true);
    await good(stack(["up", "--yes", "--skip-preview"], WIDE));
    declareEngineAlone(count, true);
    await alone("stack", "init");
    await alone("up", "--yes", "--skip-preview");
    await measure(count, false);
    declare(count, false);
    declareEngineAlone(count, false);
    await measure(count, true);
    await alone("destroy", "--yes", "--remove");
  }
  rmSync(engine, { recursive: true, force: true });
  await lab.reset();
}

void main();
