// What `npm run doctor` says of the lab's hosts: in order, with faults made by hand, and before anything was applied.
import { join } from "node:path";
import { type Lab } from "./lab";
import { text, traces } from "./look";
import { configured, inventory } from "./project";
import { type HostName } from "./paths";
import { projectRoot } from "./pulumi";
import { run } from "./run";

jest.setTimeout(1_800_000);

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

/** Its exit code, what it says on the whole, and what it says of what is not ok. */
async function doctor(host: HostName, secondsAhead = 0): Promise<{ code: number; said: string; faults: string[] }> {
  // The lab's machines are as late as their last login took.
  await text(host, `date -u -s @${Math.round(Date.now() / 1000) + secondsAhead}`);
  const { code, stdout } = await run([process.execPath, join(projectRoot, "cli/run.js"), "doctor", host, "--inventory", inventory], {
    check: false,
  });
  return { code, said: stdout, faults: [...stdout.matchAll(/^ {2}((?:warn|fail) .*)$/gm)].map(([, line]) => line!) };
}

// The lab's machines have no network to ask.
const ALONE = ["warn  clock: it follows no other (no time service is installed)", expect.stringMatching(/^warn {2}no name server is set/)];

test.each(["hv", "app"] as const)("%s is in order but for what the lab lacks, and nothing is changed on it", async (host) => {
  const before = await traces(host);
  const { code, said, faults } = await doctor(host);
  expect([faults, code, said]).toEqual([ALONE, 0, expect.stringMatching(/all packages of the base are installed/)]);
  expect(await traces(host)).toBe(before);
});

test("faults are named, each with what mends it", async () => {
  await text("hv", "echo other:365000:65536 >>/etc/subuid; sysctl -q -w user.max_user_namespaces=0");
  const { code, said, faults } = await doctor("hv", 3600);
  expect(faults).toEqual([
    "fail  user namespaces are off: no rootless container starts",
    "fail  subordinate ids: web's 300000 to 365535 overlap other's 365000 to 430535 (/etc/subuid)",
    expect.stringMatching(/^fail {2}clock: 3[56]\d\d s ahead of this machine's$/),
    ...ALONE,
  ]);
  expect(said.match(/^ +-> /gm)).toHaveLength(faults.length);
  expect(code).toBe(1);
});

test("a user who may not become root is told how, and nothing else is guessed", async () => {
  // A rule that lets only this much be done without a password.
  await text("hv", "echo 'operator ALL=(ALL) NOPASSWD: /usr/bin/sh' >/etc/sudoers.d/operator");
  const { code, said, faults } = await doctor("hv");
  expect(faults).toEqual([expect.stringMatching(/^fail {2}operator cannot become root by `sudo -n`: .*password/)]);
  expect(said).toMatch(/-> As root on the host: echo 'operator ALL=\(ALL:ALL\) NOPASSWD: ALL' >\/etc\/sudoers.d\/operator/);
  expect(code).toBe(1);
});

test("a bare host lacks only what the first run brings", async () => {
  await lab.reset();
  const { code, faults } = await doctor("hv");
  expect(faults).toEqual([...ALONE, expect.stringMatching(/^warn {2}not there yet: .*nftables.* podman /)]);
  expect(code).toBe(0);
});
