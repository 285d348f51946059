// Templates of Quadlet units: a default instance runs as any service does, others are started by whoever names them.
import { type Lab } from "./lab";
import { started, text } from "./look";
import { changed, configured, playbook, withMore } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

const unit = (name: string, said: string, install = ""): object => ({
  user: "web",
  name,
  content: `[Container]\nImage=localhost/web:1\nNetwork=none\nExec=sh -c 'echo ${said}; trap exit TERM; while :; do sleep 0.2; done'\n${install}`,
});
const configure = (said: string): void =>
  withMore({
    quadlet_units: [
      unit("own@.container", said, "[Install]\nWantedBy=default.target\nDefaultInstance=one\n"),
      unit("free@.container", said),
    ],
  });
const start = async (service: string): Promise<string> =>
  (await started("hv", "web")).split("\n").find((line) => line.startsWith(service)) ?? "";

test("they are applied, hold, and take a change to the instances that run", async () => {
  configure("first");
  const first = await playbook("--limit", "hv");
  expect([first.code, first.stdout]).toEqual([0, expect.stringMatching(/hv +: ok/)]);
  expect(await text("hv", "systemctl --user -M web@ is-active own@one.service")).toBe("active\n");
  await text("hv", "systemctl --user -M web@ start free@two.service");
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
  const before = [await start("own@one"), await start("free@two")];
  configure("second");
  expect((await playbook("--limit", "hv")).code).toBe(0);
  expect(await start("own@one")).not.toBe(before[0]);
  expect(await start("free@two")).not.toBe(before[1]);
  expect(await text("hv", "systemctl --user -M web@ is-active own@one.service free@two.service")).toBe("active\nactive\n");
});
