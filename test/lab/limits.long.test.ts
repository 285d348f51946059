// Limits of a service user on a real systemd, by both routes: in force, found changed, hit by a process that wants too much, and removed.
import { makeDrift, expectNamed, expectRepaired, type Drift } from "./drifts";
import { type Lab } from "./lab";
import { started, text } from "./look";
import { alter, changed, configured, good, playbook, stack } from "./project";

jest.setTimeout(1_800_000);

const USER = { name: "burst", uid: 2050, subids: { start: 700000, count: 65536 } };
const SLICE = "user-2050.slice";
const FOLDER = `/etc/systemd/system/${SLICE}.d`;
const FILE = `${FOLDER}/homelab.conf`;
const CGROUP = `/sys/fs/cgroup/user.slice/${SLICE}`;
const LIMITS = { memory: "256 MiB", tasks: 200, cpu: "150%" };

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
  // Facts of the images of a first apply are known to state only now.
  await good(stack(["refresh", "--yes", "--skip-preview"]));
});

afterAll(() => lab.reset());

/** Declares the user with these limits, beside those that hv has; without `limits`, with none. */
function declare(limits?: object): void {
  alter<{ service_users: { name: string }[] }>("host_vars/hv.yml", (hv) => {
    const others = hv.service_users.filter(({ name }) => name !== USER.name);
    hv.service_users = [...others, { ...USER, ...(limits ? { limits } : {}) }];
  });
}

/** Takes the user out of the configuration. */
function undeclare(): void {
  alter<{ service_users: { name: string }[] }>("host_vars/hv.yml", (hv) => {
    hv.service_users = hv.service_users.filter(({ name }) => name !== USER.name);
  });
}

/** The limits of the user's slice as systemd has them, and then as the kernel does, which has no file for what no slice limits. */
const inForce = (): Promise<string> =>
  text(
    "hv",
    `systemctl show ${SLICE} -p MemoryMax,MemorySwapMax,TasksMax,CPUQuotaPerSecUSec | sort; cd ${CGROUP}; cat memory.max pids.max cpu.max 2>/dev/null || true`,
  );

const FORCED = "CPUQuotaPerSecUSec=1.500000s\nMemoryMax=268435456\nMemorySwapMax=0\nTasksMax=200\n" + "268435456\n200\n150000 100000\n";

/** A command of the user's manager, as its containers are. */
const asUser = (command: string): Promise<string> =>
  text("hv", `cd /; runuser -u ${USER.name} -- env XDG_RUNTIME_DIR=/run/user/${USER.uid} ${command}`);

/** Has the user's manager run a program that writes to so much memory, and prints how much; then what systemd reports of its end. */
async function using(mebibytes: number): Promise<string> {
  const program = `python3 -c 'print(len(b"x" * (${mebibytes} << 20)))'`;
  const printed = await asUser(`systemd-run --user --wait --quiet --pipe --unit hog ${program} || true`);
  const result = await asUser("systemctl --user show -p Result --value hog.service");
  await asUser("systemctl --user reset-failed hog.service 2>/dev/null || true");
  return printed + result;
}

async function expectNothingToDo(): Promise<void> {
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
}

const routes = {
  up: async () => (await stack(["up", "--yes", "--skip-preview"])).output,
  "plain Ansible": async () => (await playbook("--limit", "hv")).stdout,
};

/** Has state agree with what plain Ansible did. */
const refresh = (): Promise<unknown> => good(stack(["up", "--yes", "--refresh", "--skip-preview"]));

test("they are in force for a new user, and both routes agree that nothing is left to do", async () => {
  declare(LIMITS);
  expect((await good(stack(["up", "--yes", "--skip-preview"]))).output).toMatch(/\+ 1 created/);
  expect(await text("hv", `cat ${FILE}`)).toMatch(
    /^# .*owner=\S+ kind=service-user name=burst\n\[Slice\]\nMemoryMax=256M\nMemorySwapMax=0\nTasksMax=200\nCPUQuota=150%\n$/,
  );
  expect(await inForce()).toBe(FORCED);
  await expectNothingToDo();
});

test("a process that wants more memory is killed, one within the limit is not, and no other user is affected", async () => {
  const before = await started("hv", "web");
  expect(await using(64)).toBe(`${64 << 20}\nsuccess\n`);
  expect(await using(400)).toMatch(/^(oom-kill|signal)\n$/);
  expect(Number(await text("hv", `awk '$1 == "oom_kill" { print $2 }' ${CGROUP}/memory.events`))).toBeGreaterThan(0);
  expect(await started("hv", "web")).toBe(before);
  await expectNothingToDo();
});

test("a changed file and values that somebody set are named, and repaired", async () => {
  const drifts: Drift[] = [
    [`hv/service-user/${USER.name}`, `sed -i s/TasksMax=200/TasksMax=300/ ${FILE}`, /-TasksMax=300/],
    [`hv/service-user/${USER.name}`, `systemctl set-property --runtime ${SLICE} MemoryMax=1G`, /MemoryMax is 1 GiB, wanted 256 MiB/],
    [`hv/service-user/${USER.name}`, `systemctl set-property ${SLICE} CPUQuota=40%`, /CPUQuota is 40%, wanted 150%/],
  ];
  await makeDrift(drifts);
  expectNamed((await good(stack(["preview", "--refresh", "--diff"]))).output, drifts);
  expectRepaired((await good(stack(["up", "--yes", "--refresh", "--skip-preview", "--diff"]))).output, drifts);
  expect(await inForce()).toBe(FORCED);
  await text("hv", `rm -rf /etc/systemd/system.control/${SLICE}.d /run/systemd/system.control/${SLICE}.d; systemctl daemon-reload`);
  await expectNothingToDo();
});

test.each(["up", "plain Ansible"] as const)("%s changes them while the user runs, and removes them", async (route) => {
  const manager = (): Promise<string> => text("hv", `systemctl show -p MainPID user@${USER.uid}.service`);
  const before = await manager();
  declare({ memory: "512 MiB" });
  await routes[route]();
  expect(await inForce()).toMatch(/^CPUQuotaPerSecUSec=infinity\nMemoryMax=536870912\n[^]*\n536870912\n\d+\n(max 100000\n)?$/);
  expect(await using(400)).toBe(`${400 << 20}\nsuccess\n`);
  declare();
  await routes[route]();
  expect(await inForce()).toMatch(
    /^CPUQuotaPerSecUSec=infinity\nMemoryMax=infinity\nMemorySwapMax=infinity\n[^]*\nmax\n\d+\n(max 100000\n)?$/,
  );
  expect(await text("hv", `ls -d ${FOLDER} 2>&1 || true`)).toMatch(/No such file/);
  expect(await manager()).toBe(before);
  declare(LIMITS);
  await routes[route]();
  expect(await inForce()).toBe(FORCED);
  await refresh();
  await expectNothingToDo();
});

test("a limit below what is in use is rejected, and the process lives", async () => {
  await asUser(`systemd-run --user --unit stays python3 -c 'import time; kept = b"x" * (128 << 20); time.sleep(3600)'`);
  await text("hv", `until [ $(awk '$1 == "anon" { print $2 }' ${CGROUP}/memory.stat) -gt 134217728 ]; do sleep 1; done`);
  declare({ ...LIMITS, memory: "64 MiB" });
  for (const route of Object.values(routes)) expect(await route()).toMatch(/limits\.memory: 64 MiB is less than the \d+ MiB in use/);
  expect((await asUser("systemctl --user is-active stays.service")).trim()).toBe("active");
  expect(await inForce()).toBe(FORCED);
  await asUser("systemctl --user stop stays.service");
  declare(LIMITS);
  await expectNothingToDo();
});

test("a disk quota that would limit nobody is rejected before anything is changed", async () => {
  declare({ ...LIMITS, disk: "1 GiB" });
  const file = await text("hv", `cat ${FILE}`);
  for (const route of Object.values(routes)) expect(await route()).toMatch(/limits\.disk[^]*(package quota|has no user quota in force)/);
  expect([await text("hv", `cat ${FILE}`), await inForce()]).toEqual([file, FORCED]);
  declare(LIMITS);
  await expectNothingToDo();
});

test("they are in force after a reboot", async () => {
  await lab.powerCycle("hv");
  await lab.waitForLogin("hv");
  await text("hv", `until systemctl is-active --quiet user@${USER.uid}.service; do sleep 1; done`);
  expect(await inForce()).toBe(FORCED);
});

test("a user that is no longer declared leaves no limits behind, though its account is kept", async () => {
  undeclare();
  await good(stack(["up", "--yes", "--skip-preview"]));
  expect(await text("hv", `getent passwd ${USER.name}; ls -d ${FOLDER} 2>&1 || true`)).toMatch(/\/kept:[^]*No such file/);
  await expectNothingToDo();
});
