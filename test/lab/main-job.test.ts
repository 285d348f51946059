// The main job on the lab, in the order in which an operator meets it; each step stands on those before it.
import { ensureLab, type Lab } from "./lab";
import { changed, edit, fresh, good, keep, playbook, playbooks, remove, runs, setVault, stack, up } from "./project";
import { commandsSince, footprint, foreign, loginsSince, makeForeign, now, page, removeForeign, started, text, traces } from "./look";

jest.setTimeout(1_800_000);

let lab: Lab;
let bare: string;

beforeAll(async () => {
  lab = await ensureLab();
  await lab.reset();
  await fresh();
  bare = await footprint("hv");
});

afterAll(() => lab.reset());

test("up makes two bare Debians into hosts with networks, rules and services, through the jump host too", async () => {
  await up();
  const { output } = await good(stack(["stack", "output", "services", "--json"]));
  expect(JSON.parse(output)).toEqual([
    { host: "hv", user: "web", unit: "web.container", service: "web.service", urls: ["http://127.0.0.1:8080/"] },
    { host: "app", user: "notes", unit: "notes.container", service: "notes.service", urls: ["http://10.10.10.20:8080/"] },
  ]);
  await keep(lab);
});

test("the pages answer, from here, from hv and from app, and not from where the rules forbid it", async () => {
  const here = await fetch(`http://127.0.0.1:${lab.port(8080)}/`);
  expect(await here.text()).toContain("Hello from hv");
  expect(await page("hv", "http://10.10.10.1:8080/")).toContain("Hello from hv");
  expect(await page("hv", "http://10.10.10.20:8080/")).toContain("Hello from app");
  expect(await page("app", "http://10.10.10.1:8080/")).toContain("Hello from hv");
  expect(await page("app", "http://10.10.10.20:8080/")).toContain("Hello from app");
  expect(await text("hv", "cd /; runuser -u web -- podman exec systemd-web cat /run/secrets/greeting")).toBe(
    "a secret greeting, for the container alone",
  );
  // A device in VLAN 20, on app's cable.
  await text(
    "app",
    "ip netns add iot; ip link add link eth0 name probe type vlan id 20; ip link set probe netns iot; " +
      "ip -n iot addr add 10.10.20.50/24 dev probe; ip -n iot link set probe up; ip -n iot route add default via 10.10.20.1",
  );
  const neighbour = "ip netns exec iot ";
  expect(
    await text("app", `${neighbour} ip neigh show; ${neighbour} ping -c1 -W5 10.10.20.1 >/dev/null; ${neighbour} ip neigh show`),
  ).toContain("10.10.20.1 dev probe lladdr");
  await expect(page("app", "http://10.10.20.1:8080/", neighbour)).rejects.toThrow("timed out");
  await expect(page("app", "http://10.10.10.20:8080/", neighbour)).rejects.toThrow("timed out");
  await text("app", "ip netns delete iot");
});

test("a second up changes nothing, and the other route neither, also in check mode, at one module run a host", async () => {
  expect((await up()).output).toMatch(/Resources:\n\s+\d+ unchanged\n/);
  expect(runs()).toEqual([]);
  expect(changed(await playbooks("--check"))).toEqual({ hv: 0, app: 0 });
  const real = await playbooks();
  expect(changed(real)).toEqual({ hv: 0, app: 0 });
  expect(real.match(/^TASK \[\w+ : (?:Detect|Apply) .*\n(?:changed|ok): \[hv\]/gm)).toHaveLength(1);
});

test("a refresh costs one login and one command a host, and names what was changed by hand", async () => {
  await text("hv", "nft add rule inet isolation input tcp dport 22 accept");
  const since = { app: await now("app"), hv: await now("hv") };
  const { output } = await good(stack(["refresh", "--yes", "--skip-preview", "--diff"], { PULUMI_PARALLEL: "256" }));
  for (const host of ["hv", "app"] as const) {
    const seen = { logins: await loginsSince(host, since[host]), commands: await commandsSince(host, since[host], "python3 -I -$") };
    expect([host, seen]).toEqual([host, { logins: 1, commands: 1 }]);
  }
  expect(output).toMatch(/hv\/nftables-table\/inet\/isolation[^]*-.*tcp dport 22 accept/);
  expect(output).toMatch(/~ 1 updated/);
  expect((await up()).output).toMatch(/~ 1 updated/);
  expect(await text("hv", "nft list table inet isolation")).not.toContain("dport 22");
});

test("one changed value of each kind is shown, and just that is changed", async () => {
  await makeForeign();
  const others = await foreign();
  const app = await traces("app");
  const web = await started("hv", "web");
  const values: [string, string, RegExp][] = [
    ["address: 127.0.0.1", "address: 127.0.0.1\n  packages: [genisoimage]", /~ packages/],
    ["tagged: [10, 20]", "tagged: [10, 20, 30]", /~ tagged/],
    ["to: 10.10.20.199", "to: 10.10.20.150", /~ to\s+: "10.10.20.199" => "10.10.20.150"/],
    ["devices reach nothing on this host", "devices reach nothing here", /~ content/],
    ["count: 65536 }", "count: 65536 }\n    on_delete: destroy", /~ on_delete: "keep" => "destroy"/],
    ["Image: web.image\n", "Image: web.image\n        ReadOnly: true\n", /\+ ReadOnly\s*: true/],
  ];
  for (const [from, to] of values) edit("host_vars/hv.yml", from, to);
  await setVault({ greeting: "another" });
  // What the hosts say of a preview has a test of its own (preview.long), and takes its time here.
  const preview = (await good(stack(["preview", "--diff", "--config", "homelab:verify=false"]))).output;
  expect(preview.match(/^\s+~ pulumi-nodejs/gm)).toHaveLength(7);
  expect(preview).toMatch(/~ digest/);
  for (const [, , shown] of values) expect(preview).toMatch(shown);
  expect(await traces("app")).toBe(app);
  expect((await up()).output).toMatch(/~ 7 updated/);
  expect(
    await text("hv", "bridge vlan show dev eth1; nft list table inet isolation; cat /etc/systemd/network/10-homelab-iot.network"),
  ).toMatch(/30[^]*reach nothing here[^]*PoolSize=51/);
  expect(await started("hv", "web")).not.toBe(web);
  expect(await traces("app")).toBe(app);
  expect(await foreign()).toBe(others);
  expect(changed((await playbook("--check", "--limit", "hv")).stdout)).toEqual({ hv: 0 });
});

test("a unit that leaves the configuration is removed, and just that; a change that needs no restart makes none", async () => {
  const others = await foreign();
  const app = await traces("app");
  const web = await started("hv", "web");
  edit("host_vars/hv.yml", "tagged: [10, 20, 30]", "tagged: [10, 20]");
  edit("host_vars/hv.yml", "devices reach nothing here", "devices reach nothing");
  edit("host_vars/hv.yml", "name: web.container\n", "name: web.container\n    on_delete: destroy\n");
  remove("host_vars/hv.yml", /  - name: iot\n(?:    .*\n)+/);
  remove("host_vars/app.yml", /nftables_tables:[^]*?(?=\nservice_users)/);
  const { output } = await up();
  expect(output).toMatch(/~ 3 updated[^]*- 2 deleted/);
  expect(await text("hv", "ls /etc/systemd/network /sys/class/net")).not.toContain("iot");
  expect(await text("app", "nft list tables")).not.toContain("guard");
  expect(await started("hv", "web")).toBe(web);
  expect((await traces("app")).replace(/^table inet guard [^]*?^}\n|.*inet(-|%2F)guard.*\n/gm, "")).toBe(
    app.replace(/^table inet guard [^]*?^}\n|.*inet(-|%2F)guard.*\n/gm, ""),
  );
  expect(await foreign()).toBe(others);
  expect(changed(await playbooks())).toEqual({ hv: 0, app: 0 });
});

test("destroy leaves both hosts as they were, but for packages and a user that is kept", async () => {
  const others = await foreign();
  await good(stack(["destroy", "--yes", "--skip-preview"]));
  expect(await foreign()).toBe(others);
  await removeForeign();
  expect(await footprint("hv")).toBe(bare);
  // web was to be destroyed; notes, on app, keeps its home and its uid, locked.
  expect(await text("hv", "getent passwd web || echo gone; cat /etc/subuid")).toMatch(/^gone\n(?!.*web)/);
  // Nothing leads to app any more, so this test lays a cable of its own.
  await text(
    "hv",
    "ip link set eth1 up; ip link add link eth1 name t10 type vlan id 10; ip addr add 10.10.10.1/24 dev t10; ip link set t10 up",
  );
  const app = await text("app", "getent passwd notes; passwd -S notes; nft list ruleset");
  expect(app).toMatch(/^notes:x:2001:2001:homelab\/lab\/kept:[^]*\nnotes L /);
  expect(app).not.toContain("guard");
  expect(await footprint("app")).not.toMatch(/homelab|\nnotes/);
});
