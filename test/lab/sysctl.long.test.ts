// Kernel parameters on a real kernel, by both routes: applied, found changed, taken back when they cut the operator off, and restored.
import { makeDrift, expectNamed, expectRepaired, type Drift } from "./drifts";
import { type Lab } from "./lab";
import { text } from "./look";
import { alter, changed, configured, good, playbook, stack } from "./project";

jest.setTimeout(1_800_000);

const FILE = "/etc/sysctl.d/60-homelab-ports.conf";
const PORT = "net.ipv4.ip_unprivileged_port_start";

let lab: Lab;
let before: string;

beforeAll(async () => {
  lab = await configured();
  // Facts of the images of a first apply are known to state only now.
  await good(stack(["refresh", "--yes", "--skip-preview"]));
  before = await running();
});

afterAll(() => lab.reset());

/** The parameters of this test as the kernel has them, a line each. */
const running = () => text("hv", `sysctl ${PORT} vm.swappiness net.netfilter.nf_conntrack_max`);

/** Declares these parameters and no others. */
function declare(settings: Record<string, number> | undefined): void {
  alter<{ sysctls?: object[] }>("host_vars/hv.yml", (hv) => {
    hv.sysctls = settings ? [{ name: "ports", settings }] : [];
  });
}

async function expectNothingToDo(): Promise<void> {
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
}

const routes = {
  up: async () => (await stack(["up", "--yes", "--skip-preview"])).output,
  "plain Ansible": async () => (await playbook("--limit", "hv")).stdout,
};

test("they are applied to file and kernel, and both routes agree that nothing is left to do", async () => {
  declare({ [PORT]: 80, "vm.swappiness": 7 });
  const { output } = await good(stack(["up", "--yes", "--skip-preview"]));
  expect(output).toMatch(/\+ 1 created/);
  expect(await running()).toMatch(/port_start = 80\nvm.swappiness = 7\n/);
  expect(await text("hv", `cat ${FILE}`)).toMatch(/^# .*owner=\S+.*\nnet.ipv4.ip_unprivileged_port_start = 80\nvm.swappiness = 7\n$/);
  await expectNothingToDo();
});

test("a changed file and a changed running value are both named, and repaired", async () => {
  const drifts: Drift[] = [
    ["hv/sysctl/ports", "sysctl -w vm.swappiness=50", /vm.swappiness is 50, wanted 7/],
    ["hv/sysctl/ports", `sed -i s/80/81/ ${FILE}`, /-net.ipv4.ip_unprivileged_port_start = 81/],
  ];
  await makeDrift(drifts);
  expectNamed((await good(stack(["preview", "--refresh", "--diff"]))).output, drifts);
  expectRepaired((await good(stack(["up", "--yes", "--refresh", "--skip-preview", "--diff"]))).output, drifts);
  expect(await running()).toMatch(/port_start = 80\nvm.swappiness = 7\n/);
});

test.each(["up", "plain Ansible"] as const)("a limit that refuses new logins is taken back when %s sets it", async (route) => {
  const [file, values] = [await text("hv", `cat ${FILE}`), await running()];
  declare({ [PORT]: 80, "vm.swappiness": 7, "net.netfilter.nf_conntrack_max": 1 });
  expect(await routes[route]()).toMatch(/No new SSH login succeeded[^]*the host rolled back at [0-9:]+ UTC/);
  expect([await text("hv", `cat ${FILE}`), await running()]).toEqual([file, values]);
  declare({ [PORT]: 80, "vm.swappiness": 7 });
  await expectNothingToDo();
});

test("they hold after a reboot", async () => {
  await lab.powerCycle("hv");
  await lab.waitForLogin("hv");
  expect(await running()).toMatch(/port_start = 80\nvm.swappiness = 7\n/);
});

test("what is no longer declared is what it was before", async () => {
  declare({ [PORT]: 80 });
  await good(stack(["up", "--yes", "--skip-preview"]));
  expect((await running()).split("\n")[1]).toBe(before.split("\n")[1]);
  declare(undefined);
  await good(stack(["up", "--yes", "--skip-preview"]));
  expect(await running()).toBe(before);
  expect(await text("hv", `ls ${FILE} /var/lib/homelab/*/sysctl-before 2>&1 || true`)).not.toMatch(/conf$|json/m);
  await expectNothingToDo();
});
