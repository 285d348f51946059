// Many guests at once, as counts: runs of Ansible, logins and commands.
import { POOLS, idle, virsh, volume } from "./guests";
import { type Lab } from "./lab";
import { commandsSince, loginsSince, now } from "./look";
import { asHypervisor, good, hypervisor, runs, stack } from "./project";

jest.setTimeout(3_600_000);

let lab: Lab;

const names = Array.from({ length: 20 }, (_, n) => `many${n}`);
const WIDE = { PULUMI_PARALLEL: "256" };

beforeAll(async () => {
  lab = await hypervisor();
});

afterAll(() => lab.reset());

test("20 guests with their disks are made by at most 3 runs of Ansible", async () => {
  asHypervisor({
    pools: POOLS,
    volumes: names.map((name) => volume(name)),
    domains: names.map((name) => idle(name, { disks: [{ volume: `vms/${name}` }] })),
  });
  expect((await good(stack(["up", "--yes", "--skip-preview"], WIDE))).output).toMatch(/\+ 41 created/);
  expect(runs().length).toBeLessThanOrEqual(3);
  expect((await virsh("list", "--all", "--name")).match(/many\d+/g)).toHaveLength(20);
});

test("a refresh of them costs one login and one command", async () => {
  const since = await now("hv");
  await good(stack(["refresh", "--yes", "--skip-preview", "--expect-no-changes"], WIDE));
  const seen = { logins: await loginsSince("hv", since), commands: await commandsSince("hv", since, "python3 -I -$") };
  expect(seen).toEqual({ logins: 1, commands: 1 });
});
