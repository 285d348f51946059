// The main job on the lab, in the order in which an operator meets it; each step stands on those before it.
import { ensureLab, type Lab } from "./lab";
import { changed, edit, fresh, good, playbook, runs, stack } from "./project";

jest.setTimeout(900_000);

const up = (...args: string[]) => good(stack(["up", "--yes", "--skip-preview", ...args]));
const page = "python3 -c 'import sys,urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())'";

let lab: Lab;

async function text(host: "hv" | "app", command: string): Promise<string> {
  return (await lab.ssh(host, command, { sudo: true })).stdout;
}

/** What a takeover or an unrelated change must not touch: file times, rule handles, start times. */
async function traces(host: "hv" | "app"): Promise<string> {
  const files = "find /etc/systemd /etc/homelab /etc/containers /home -xdev -type f -not -path '*/.local/*' -printf '%p %T@ %i\\n' | sort";
  const user = host === "hv" ? "web" : "notes";
  const started = `systemctl --user -M ${user}@ show -p ExecMainStartTimestampMonotonic '*.service' | sort`;
  return text(host, `${files}; nft -a list ruleset; ${started}`);
}

const OF_OTHERS = [
  "nft 'add table inet theirs { chain c { tcp dport 9 counter; }; }'",
  "useradd -m theirs",
  "ip link add br9 type bridge",
  "mkdir -p /etc/containers/systemd && printf '[Container]\\nImage=none\\n' >/etc/containers/systemd/theirs.container",
];
const theirs = () =>
  text("hv", "nft -s list table inet theirs; id theirs; ip -o link show br9 | cut -d: -f2; cat /etc/containers/systemd/theirs.container");

beforeAll(async () => {
  lab = await ensureLab();
  await lab.reset();
  await fresh();
});

afterAll(() => lab.reset());

test("up makes two bare Debians into hosts with networks, rules and services, through the jump host too", async () => {
  await up();
  const { output } = await good(stack(["stack", "output", "services", "--json"]));
  expect(JSON.parse(output)).toEqual([
    { host: "hv", user: "web", unit: "web.container", service: "web.service", urls: ["http://127.0.0.1:8080/"] },
    { host: "app", user: "notes", unit: "notes.container", service: "notes.service", urls: ["http://10.10.10.20:8080/"] },
  ]);
});

test("the pages answer, from here and from hv", async () => {
  const here = await fetch(`http://127.0.0.1:${lab.port(8080)}/`);
  expect(await here.text()).toContain("Hello from hv");
  expect(await text("hv", `${page} http://10.10.10.20:8080/`)).toContain("Hello from app");
});

test("a second up changes nothing, and the other route neither, also in check mode, at six module runs a host", async () => {
  expect((await up()).output).toMatch(/Resources:\n\s+\d+ unchanged\n/);
  expect(runs()).toEqual([]);
  const check = await playbook("--check");
  expect(changed(check.stdout)).toEqual({ hv: 0, app: 0 });
  const real = await playbook();
  expect(changed(real.stdout)).toEqual({ hv: 0, app: 0 });
  expect(real.stdout.match(/^TASK \[\w+ : Apply .*\n(?:changed|ok): \[hv\]/gm)).toHaveLength(6);
});

test("one changed value of each kind is shown, and just that is changed", async () => {
  for (const command of OF_OTHERS) await text("hv", command);
  const foreign = await theirs();
  const app = await traces("app");
  edit("host_vars/hv.yml", "trunk: [10, 20]", "trunk: [10, 20, 30]");
  edit("host_vars/hv.yml", "to: 10.10.20.199", "to: 10.10.20.150");
  edit("host_vars/hv.yml", "devices reach nothing on this host", "devices reach nothing here");
  const preview = (await good(stack(["preview", "--diff"]))).output;
  expect(preview.match(/^\s+~ pulumi-nodejs/gm)).toHaveLength(3);
  expect(preview).toMatch(/~ to\s+: "10.10.20.199" => "10.10.20.150"/);
  const before = await text("hv", "systemctl --user -M web@ show -p ExecMainStartTimestampMonotonic web.service");
  expect((await up()).output).toMatch(/~ 3 updated/);
  expect(await text("hv", "bridge vlan show dev eth1")).toContain("30");
  expect(await text("hv", "systemctl --user -M web@ show -p ExecMainStartTimestampMonotonic web.service")).toBe(before);
  edit("host_vars/hv.yml", "Hello from hv", "Hello again from hv");
  expect((await up()).output).toMatch(/~ 1 updated/);
  expect(await text("hv", `${page} http://127.0.0.1:8080/`)).toContain("Hello again");
  expect(await traces("app")).toBe(app);
  expect(await theirs()).toBe(foreign);
});
