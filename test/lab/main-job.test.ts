// The main job on the lab, in the order in which an operator meets it; each step stands on those before it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureLab, type Lab } from "./lab";
import { changed, edit, fresh, good, inventory, playbook, runs, stack, state } from "./project";

jest.setTimeout(900_000);

const up = (...args: string[]) => good(stack(["up", "--yes", "--skip-preview", ...args]));
const rules = (host: "hv" | "app") => text(host, "nft list ruleset");
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

test("the pages answer where they should, and not where the rules forbid it", async () => {
  const here = await fetch(`http://127.0.0.1:${lab.port(8080)}/`);
  expect(await here.text()).toContain("Hello from hv");
  expect(await text("hv", `${page} http://10.10.10.20:8080/`)).toContain("Hello from app");
  expect(await text("app", `${page} http://10.10.10.1:8080/`)).toContain("Hello from hv");
  // A device in VLAN 20, as a network namespace of app.
  const device = "ip link add link eth0 name probe type vlan id 20 && ip netns add iot && ip link set probe netns iot";
  await text("app", `${device} && ip -n iot addr add 10.10.20.50/24 dev probe && ip -n iot link set probe up`);
  const route = "ip -n iot route add default via 10.10.20.1";
  const ask = (url: string) => lab.ssh("app", `sudo ip netns exec iot ${page} ${url}`, { check: false });
  await text("app", route);
  expect((await lab.ssh("app", "sudo ip netns exec iot ping -c1 -W2 10.10.20.50", { check: false })).code).toBe(0);
  expect((await ask("http://10.10.20.1:8080/")).code).not.toBe(0);
  expect((await ask("http://10.10.10.20:8080/")).code).not.toBe(0);
  await text("app", "ip netns delete iot");
});

test("a second up changes nothing, and the other route neither, also in check mode, at six module runs a host", async () => {
  expect((await up()).output).toMatch(/Resources:\n\s+15 unchanged|Resources:\n\s+\d+ unchanged\n/);
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

const DRIFTS: [string, string, RegExp][] = [
  ["hv/host", "sysctl -q net.ipv4.ip_forward=0", /forwarding is off/],
  ["hv/bridge/br0", "bridge vlan add dev eth1 vid 99", /eth1: VLANs 10, 20, 30, 99, wanted 10, 20, 30/],
  ["hv/vlan/iot", "ip addr del 10.10.20.1/24 dev iot", /iot: address none, wanted 10.10.20.1\/24/],
  ["hv/nftables-table/inet/isolation", "nft add rule inet isolation forward counter", /counter/],
  ["hv/service-user/web", "rm /var/lib/systemd/linger/web", /linger is off/],
  ["hv/quadlet-unit/web/web.container", "systemctl --user -M web@ stop web.service", /web.service is inactive/],
];

describe.each(["pulumi", "ansible"])("drift of each kind made by hand, repaired by %s", (route) => {
  test("is named by refresh and by check mode, and repaired", async () => {
    for (const [, command] of DRIFTS) await text("hv", command);
    const check = await playbook("--check", "--diff");
    await good(stack(["refresh", "--yes"]));
    const found = await state();
    for (const [id, , named] of DRIFTS) {
      expect([id, found[id]?.outputs.drift]).toEqual([id, expect.stringMatching(named)]);
      expect(check.stdout).toMatch(named);
    }
    const drifting = Object.entries(found).filter(([, { outputs }]) => outputs.drift);
    expect(drifting.map(([id]) => id).sort()).toEqual(DRIFTS.map(([id]) => id).sort());
    if (route === "pulumi") await up();
    else expect((await playbook()).code).toBe(0);
    await good(stack(["refresh", "--yes"]));
    expect(Object.values(await state()).filter(({ outputs }) => outputs.drift)).toEqual([]);
    expect(changed((await playbook("--check")).stdout)).toEqual({ hv: 0, app: 0 });
  });
});

test("a refresh costs one login and one command per host", async () => {
  const count = async (pattern: string) => Number(await text("hv", `journalctl -o cat --no-pager | grep -c '${pattern}' || true`));
  await lab.ssh("hv", "true");
  const [logins, commands] = [await count("^Accepted publickey"), await count("COMMAND=/usr/bin/python3 -$")];
  await good(stack(["refresh", "--yes"], { PULUMI_PARALLEL: "256" }));
  expect((await count("COMMAND=/usr/bin/python3 -$")) - commands).toBe(1);
  // The shell in which this test counts has a connection of its own already.
  expect((await count("^Accepted publickey")) - logins).toBeLessThanOrEqual(1 + 1);
});

test("a host with another key is refused before it is logged into, and state keeps everything", async () => {
  const before = Object.keys(await state()).sort();
  const config = join(inventory, "ssh_config");
  const known = join(inventory, "known_hosts");
  const right = await text("hv", "cat /etc/ssh/ssh_host_ed25519_key.pub");
  writeFileSync(known, `hv ${right.trim().split(" ").slice(0, 2).join(" ").replace(/.{6}$/, "AAAAAA")}\n`);
  edit("ssh_config", "Host hv\n", `Host hv\n  UserKnownHostsFile ${known}\n`);
  const refresh = await stack(["refresh", "--yes"]);
  expect(refresh.code).not.toBe(0);
  expect(refresh.output).toMatch(/host key is not the one in .*known_hosts/);
  edit("host_vars/hv.yml", "Hello again", "Hello anew");
  const refused = await stack(["up", "--yes", "--skip-preview"]);
  expect(refused.code).not.toBe(0);
  expect(refused.output).toMatch(/Host key verification failed/);
  expect(Object.keys(await state()).sort()).toEqual(before);
  edit("ssh_config", `Host hv\n  UserKnownHostsFile ${known}\n`, "Host hv\n");
  expect(config).toContain("ssh_config");
  await up();
});

test("a host that is away is an error of refresh and destroy, and state keeps everything", async () => {
  const before = Object.keys(await state()).sort();
  edit("ssh_config", "HostName 127.0.0.1", "HostName 127.0.0.9");
  const refresh = await stack(["refresh", "--yes"]);
  expect(refresh.code).not.toBe(0);
  expect(refresh.output).toMatch(/ECONNREFUSED/);
  expect((await stack(["destroy", "--yes"])).code).not.toBe(0);
  expect(Object.keys(await state()).sort()).toEqual(before);
  edit("ssh_config", "HostName 127.0.0.9", "HostName 127.0.0.1");
});

test("destroy leaves what is not ours, and nothing of ours but what is kept", async () => {
  const foreign = await theirs();
  await good(stack(["destroy", "--yes"]));
  expect(await theirs()).toBe(foreign);
  expect(await rules("hv")).not.toContain("homelab:");
  const left =
    "find /etc -newer /etc/hostname -name '*homelab*'; ls -d /etc/homelab /var/lib/homelab; ip -o link show br0; ls /var/lib/systemd/linger";
  expect((await lab.ssh("hv", `sudo sh -c "${left}"`, { check: false })).stdout.trim()).toBe("");
  expect(await text("hv", "getent passwd web")).toContain("homelab/lab/kept");
});
