// What the routes cost, as counts: runs of Ansible, module runs, logins and commands, bytes of state.
import { type Lab } from "./lab";
import { commandsSince, loginsSince, now, started } from "./look";
import { changed, configured, good, playbook, runs, stack, withMore } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;
let web: string;

/** Ten each of bridges' VLANs and tables, five users, and 25 Quadlet units of one user, five of which run. */
const units = {
  vlans: Array.from({ length: 10 }, (_, n) => ({ name: `v${n}`, id: 100 + n, bridge: "br0", address: `10.20.${n}.1/24` })),
  nftables_tables: Array.from({ length: 10 }, (_, n) => ({
    family: "inet",
    name: `t${n}`,
    content: `chain c { tcp dport ${n + 1} drop; }`,
  })),
  service_users: Array.from({ length: 5 }, (_, n) => ({ name: `u${n}`, uid: 2100 + n, subids: { start: 500000 + n * 65536 } })),
  quadlet_units: Array.from({ length: 25 }, (_, n) => ({
    user: "web",
    name: `c${n}.container`,
    sections: {
      Container: { Image: "web.image", Exec: "sleep 3600", Network: "none" },
      Service: { TimeoutStopSec: 2 },
      ...(n < 5 ? { Install: { WantedBy: "default.target" } } : {}),
    },
  })),
};

const WIDE = { PULUMI_PARALLEL: "256" };
const wideUp = () => good(stack(["up", "--yes", "--skip-preview"], WIDE));

beforeAll(async () => {
  lab = await configured();
  web = await started("hv", "web");
});

afterAll(() => lab.reset());

test("50 units are made by at most 3 runs of Ansible", async () => {
  withMore(units);
  const { output } = await wideUp();
  expect(output).toMatch(/\+ 50 created/);
  expect(runs().map(({ host }) => host)).toEqual(expect.arrayContaining(["hv"]));
  expect(runs().length).toBeLessThanOrEqual(3);
  expect(runs().reduce((sum, { calls }) => sum + calls, 0)).toBe(50);
  expect(await started("hv", "web")).toContain(web.split("\n").find((line) => line.startsWith("web.service"))!);
});

test("a converged host costs plain Ansible one module run, with 50 units more", async () => {
  const since = await now("hv");
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
  expect(await commandsSince("hv", since, "BECOME-SUCCES[S]")).toBe(1);
});

test("a refresh of 67 units costs one login and one command per host", async () => {
  // The lab's own connections stay open, so that only the refresh logs in.
  const since = { app: await now("app"), hv: await now("hv") };
  await good(stack(["refresh", "--yes", "--skip-preview"], WIDE));
  for (const host of ["hv", "app"] as const) {
    const seen = { logins: await loginsSince(host, since[host]), commands: await commandsSince(host, since[host], "python3 -I -$") };
    expect([host, seen]).toEqual([host, { logins: 1, commands: 1 }]);
  }
});

test("they are removed by at most 3 runs, too", async () => {
  withMore({});
  expect((await wideUp()).output).toMatch(/- 50 deleted/);
  expect(runs().length).toBeLessThanOrEqual(3);
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
});

test("what a resource's code costs in state is one small text", async () => {
  const { deployment } = JSON.parse((await good(stack(["stack", "export"]))).output) as {
    deployment: { resources: { inputs?: { __provider?: string } }[] };
  };
  const texts = new Set(deployment.resources.flatMap(({ inputs }) => inputs?.__provider ?? []));
  expect(texts.size).toBe(1);
  expect(Buffer.byteLength([...texts][0]!)).toBeLessThanOrEqual(2048);
});
