// A machine that is reset while a change of its rules is unconfirmed: it comes up as it was, and runs all that is declared.
import { type Lab } from "./lab";
import { page, text } from "./look";
import { changed, configured, edit, playbook, stack } from "./project";
import { sleep } from "./run";
import { RULE, expectAsBefore, standing } from "./standing";

jest.setTimeout(1_800_000);

let lab: Lab;
let before: string;

beforeAll(async () => {
  lab = await configured();
  before = await standing("hv");
});

afterAll(() => lab.reset());

const routes = { up: () => stack(["up", "--yes", "--skip-preview"]), "plain Ansible": () => playbook("--limit", "hv") };

test.each(["up", "plain Ansible"] as const)(
  "a machine that is reset while a change by %s is unconfirmed comes up as it was, and runs all that is declared",
  async (route) => {
    edit("host_vars/hv.yml", RULE, `iifname "eth0" drop\n        ${RULE}`);
    const running = routes[route]();
    // Nobody can look in from outside, so it is the console's turn.
    await cutOff();
    await lab.powerCycle("hv");
    await lab.waitForLogin("hv", 200);
    const done = await running;
    expect(done.code).not.toBe(0);
    await text("hv", "systemctl is-system-running --wait || true");
    await expectAsBefore(before);
    expect(await text("hv", "journalctl -b -u homelab-way-back -o cat")).toMatch(/the host put itself back at .*isolation/);
    expect(await page("hv", "http://10.10.10.1:8080/")).toContain("Hello from hv");
    expect(await page("app", "http://10.10.10.1:8080/")).toContain("Hello from hv");
    edit("host_vars/hv.yml", 'iifname "eth0" drop\n        ', "");
    expect((await stack(["preview", "--refresh", "--expect-no-changes"])).code).toBe(0);
    expect(changed((await playbook("--limit", "hv", "--check")).stdout)).toEqual({ hv: 0 });
  },
);

/** Waits until hv takes no new login. */
async function cutOff(): Promise<void> {
  for (let tries = 0; (await lab.ssh("hv", "true", { fresh: true, check: false, timeoutSeconds: 5 })).code === 0; tries += 1) {
    if (tries > 120) throw new Error("hv still lets everybody in");
    await sleep(1000);
  }
}
