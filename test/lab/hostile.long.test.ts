// One service user is hostile, or its systemd hangs. Previews, up, plain Ansible, status and undeclared go on for the others, and name it.
import { type Lab } from "./lab";
import { pageWithin, text } from "./look";
import { STACK, alter, configured, env, inventory, playbook, stack, up, withMore } from "./project";
import { type Result, run } from "./run";

jest.setTimeout(1_800_000);

let lab: Lab;
const UNITS = "/home/bad/.config/containers/systemd/lab";
const STORE = "/home/bad/.local/share/containers/storage";
const asBad = (command: string): string => `cd /; runuser -u bad -- sh -c '${command}'`;

/** What the user does to whoever looks, and how that ends. What it does is named by plain Ansible where it keeps the user from being read. */
const WAYS: Record<string, { does: string; undo: string; isNamed: boolean }> = {
  "a pipe in place of a unit": {
    does: asBad(`rm ${UNITS}/idle.container; mkfifo ${UNITS}/idle.container`),
    undo: `rm ${UNITS}/idle.container`,
    isNamed: true,
  },
  "a file of 50 GB": { does: asBad(`truncate -s 50G ${UNITS}/idle.container`), undo: `rm ${UNITS}/idle.container`, isNamed: true },
  "a file without end": { does: asBad(`ln -sf /dev/zero ${UNITS}/idle.container`), undo: `rm ${UNITS}/idle.container`, isNamed: true },
  "thousands of files": {
    does: asBad(`for i in $(seq 6000); do : > ${UNITS}/$i.conf; done`),
    undo: `find ${UNITS} -name "*.conf" -delete`,
    isNamed: true,
  },
  "a folder that nobody can list": { does: asBad(`chmod 0111 ${UNITS}`), undo: `chmod 0755 ${UNITS}`, isNamed: false },
  "names that are no text": {
    does: asBad(`touch "$(printf "${UNITS}/caf\\351.container")" "$(printf "${UNITS}/a\\nb\\033[2J.container")"`),
    undo: `find ${UNITS} -name "*[!a-z.]*" -delete`,
    isNamed: false,
  },
  "ports without end": {
    does: asBad(`printf "[Container]\\nImage=x\\nPublishPort=0-99999999999:80\\n" > ${UNITS}/ports.container`),
    undo: `rm ${UNITS}/ports.container`,
    isNamed: false,
  },
  "a store of deep lists": {
    does: asBad(`mkdir -p ${STORE}/overlay-images; head -c 300000 /dev/zero | tr "\\0" "[" > ${STORE}/overlay-images/images.json`),
    undo: `rm -rf ${STORE}/overlay-images`,
    isNamed: false,
  },
  "settings that break Podman": {
    does: asBad(`mkdir -p ~/.config/containers; echo "[[[" > /home/bad/.config/containers/containers.conf`),
    undo: "rm /home/bad/.config/containers/containers.conf",
    isNamed: true,
  },
  "a systemd that hangs": { does: "kill -STOP $(pgrep -o -u bad systemd)", undo: "kill -CONT $(pgrep -o -u bad systemd)", isNamed: true },
};

beforeAll(async () => {
  lab = await configured();
  withMore({
    service_users: [{ name: "bad", uid: 2002, subids: { start: 500000, count: 65536 } }],
    podman_secrets: [{ user: "bad", name: "plain", from: "greeting" }],
    quadlet_units: [{ user: "bad", name: "idle.container", sections: { Container: { Image: "localhost/none:1" } }, running: false }],
  });
  await up();
  await text("hv", `systemd-run --quiet --unit=lab-peak python3 -c '${PEAK}'`);
});

afterAll(() => lab.reset());

const cli = (name: string, ...args: string[]): Promise<Result> =>
  run(["node", "cli/run.js", name, ...args, "--inventory", inventory], { env, check: false });

/** Keeps in a file the most memory, in KiB, that a Python process of root's ever had (VmHWM, proc_pid_status(5)). */
const PEAK = `
import glob, re, time
most = 0
while True:
    for path in glob.glob("/proc/[0-9]*/status"):
        try:
            text = open(path).read()
        except OSError:
            continue
        has = re.match("Name:\\tpython3", text) and re.search("\\nUid:\\t0\\t", text) and re.search("VmHWM:\\s*([0-9]+)", text)
        if has and int(has[1]) > most:
            most = int(has[1])
            open("/run/lab-peak", "w").write(str(most))
    time.sleep(0.2)
`;

/** What goes on for the others while the user is as it is, by either route and every command. */
async function othersGoOn(what: string, isNamed: boolean): Promise<void> {
  const page = `Hello from hv ${Object.keys(WAYS).indexOf(what)}`;
  alter<{ quadlet_units: { files?: Record<string, string> }[] }>("host_vars/hv.yml", ({ quadlet_units: units }) => {
    for (const { files } of units) if (files) files["site/index.html"] = page;
  });
  const preview = await stack(["preview"]);
  expect(preview.output).toMatch(/hv\/quadlet-unit\/web\/web\.container: verified on the host: restart/);
  // The engine asks for what changed alone, so the others' apply ends well.
  await up();
  expect(await pageWithin(60, "hv", "http://10.10.10.1:8080/")).toContain(page);
  const plain = await playbook("--limit", "hv");
  const named = isNamed ? expect.stringMatching(/user bad[: ]|bad\/(idle\.container|plain)/) : expect.anything();
  expect([what, plain.stdout]).toEqual([what, named]);
  for (const words of [
    ["undeclared", "hv"],
    ["status", STACK],
  ] as const) {
    const [name, ...rest] = words;
    const { stdout, stderr } = await cli(name, ...rest);
    expect([what, name, stdout + stderr]).toEqual([what, name, expect.stringMatching(/^hv$/m)]);
    // Nothing that a user wrote is obeyed by a terminal.
    expect(/[\u0000-\u0008\u000b-\u001f]/.test(stdout + stderr)).toBe(false);
  }
}

test.each(Object.entries(WAYS))("%s", async (what, { does, undo, isNamed }) => {
  await text("hv", does);
  try {
    await othersGoOn(what, isNamed);
  } finally {
    await text("hv", undo);
    await playbook("--limit", "hv");
  }
});

test("root's processes stayed small", async () => {
  const most = Number(await text("hv", "cat /run/lab-peak"));
  expect(most).toBeGreaterThan(10_000);
  expect(most).toBeLessThan(200 * 1024);
});
