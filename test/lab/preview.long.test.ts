// A preview that the hosts have verified: what they say of each unit, what they refuse, and that nothing on them changes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { POOLS, idle, plug, volume } from "./guests";
import { type Lab } from "./lab";
import { loginsSince, now, text, unchanging } from "./look";
import { type HostName, sshPort } from "./paths";
import { type PulumiRun } from "./pulumi";
import { asHypervisor, configured, edit, fresh, good, inventory, runs, setVault, stack, up } from "./project";

jest.setTimeout(1_800_000);

const HOSTS: HostName[] = ["hv", "app"];

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

/** A preview, which changes nothing on any host that can be asked. */
const preview = (args: string[] = [], hosts = HOSTS, env: Record<string, string> = {}): Promise<PulumiRun> =>
  unchanging(hosts, () => stack(["preview", "--diff", ...args], env));

test("a preview of what holds says so, by one run of the playbook in check mode for all hosts", async () => {
  const log = join(inventory, "../ansible.log");
  const { output } = await good(preview([], HOSTS, { ANSIBLE_LOG_PATH: log, ANSIBLE_CHECK_MODE_MARKERS: "true" }));
  expect(output).toMatch(/hv is verified: \d+ in sync\n/);
  expect(output).toMatch(/app is verified: \d+ in sync\n/);
  expect(output).not.toMatch(/drift|warning/);
  const ansible = readFileSync(log, "utf8");
  expect(ansible.match(/PLAY RECAP/g)).toHaveLength(1);
  expect(ansible).toMatch(/DRY RUN[^]*PLAY RECAP[^]*app +: ok=[^]*hv +: ok=/);
  expect(runs()).toEqual([]);
});

test("each change is told with its text, what it disturbs and what else it reaches", async () => {
  edit("host_vars/hv.yml", "tagged: [10, 20]", "tagged: [10, 20, 30]");
  edit("host_vars/hv.yml", "devices reach nothing on this host", "devices reach nothing here");
  edit("host_vars/hv.yml", "Image: web.image\n", "Image: web.image\n        ReadOnly: true\n");
  edit("host_vars/app.yml", "the page is for its own VLAN", "the page is for its VLAN alone");
  await setVault({ greeting: "another" });
  const { output } = await good(preview());
  expect(output).toMatch(/verified on the host: live\n[^]*\+[^\n]*devices reach nothing here/);
  expect(output).toMatch(/verified on the host: live; affects vlan apps, vlan iot\n/);
  expect(output).toMatch(/verified on the host: restart\n[^]*\+ReadOnly=true/);
  expect(output).toMatch(/verified on the host: restart; affects quadlet-unit web\/web\.container/);
  expect(output).toMatch(/hv is verified: \d+ in sync, 4 to change\n/);
  expect(output).toMatch(/app is verified: \d+ in sync, 1 to change\n/);
  await up();
});

test("what changed on the host beside the plan is drift, and told with the way to repair it", async () => {
  await text("hv", "nft add rule inet isolation input tcp dport 22 accept");
  await text("hv", "rm /etc/systemd/system/multi-user.target.wants/network-online.target");
  edit("host_vars/app.yml", "the page is for its VLAN alone", "the page is for its VLAN");
  const { output } = await good(preview());
  expect(output).toMatch(/drift outside this plan; "pulumi up --refresh" repairs it: live\n[^]*isolation[^]*-[^\n]*tcp dport 22 accept/);
  expect(output).toMatch(/hv\/host: drift outside this plan; [^\n]*\n[^\n]*network-online.target is wanted by nothing/);
  await up("--refresh");
  const { output: then } = await good(preview());
  expect(then).not.toContain("drift");
});

test("what of others is in a unit's way is a warning: a chain that drops what our table lets through, a drop-in for a service", async () => {
  await text("hv", "systemctl --user -M web@ set-property web.service CPUWeight=50");
  await text("hv", "nft 'add table inet theirs; add chain inet theirs c { type filter hook forward priority 10; policy drop; }'");
  const { output } = await good(preview());
  expect(output).toMatch(
    /warning: hv\/nftables-table\/inet\/isolation: table inet theirs is not managed by homelab, and its chain c drops by its policy/,
  );
  expect(output).toMatch(
    /warning: hv\/quadlet-unit\/web\/web\.container: \/home\/web\/\S+\/50-CPUWeight\.conf changes web\.service: declare that/,
  );
  await text("hv", "nft delete table inet theirs");
  await text("hv", "rm -r ~web/.config/systemd/user.control; systemctl --user -M web@ daemon-reload");
});

test("a port that somebody has is refused, with who that is", async () => {
  await text(
    "hv",
    "systemd-run -q --unit=squatter python3 -m http.server 8099; until ss -Hltn sport = :8099 | grep -q .; do sleep 1; done",
  );
  edit("host_vars/hv.yml", '["8080:8080"]', '["8099:8080"]');
  const { code, output } = await preview();
  expect(code).not.toBe(0);
  expect(output).toMatch(/hv\/quadlet-unit\/web\/web\.container: rejected by the host: port 8099\/tcp is taken by user root/);
  edit("host_vars/hv.yml", '["8099:8080"]', '["8080:8080"]');
  await text("hv", "systemctl stop squatter");
});

test("what a host refuses fails the preview with its own words, and the other host is told all the same", async () => {
  edit("host_vars/hv.yml", 'iifname "iot" drop comment', 'iifname "iot" frobnicate comment');
  edit("host_vars/app.yml", "the page is for its VLAN", "the page is for all");
  const { code, output } = await preview();
  expect(code).not.toBe(0);
  expect(output).toMatch(/rejected by the host: [^]*frobnicate/);
  expect(output).toMatch(/one resource is rejected by the hosts, see above; nothing was changed/);
  expect(output).toMatch(/app is verified: \d+ in sync, 1 to change\n/);
  const refused = await unchanging(HOSTS, () => stack(["up", "--yes"]));
  expect(refused.code).not.toBe(0);
  edit("host_vars/hv.yml", 'iifname "iot" frobnicate comment', 'iifname "iot" drop comment');
  await up();
});

test("what a host refuses does not hinder what is targeted beside it", async () => {
  edit("host_vars/hv.yml", "nftables_tables:\n", "nftables_tables:\n  - { family: inet, name: bad, content: frobnicate }\n");
  edit("host_vars/app.yml", "the page is for all", "the page is for its VLAN");
  const { output } = await good(preview(["--target", "**app/nftables-table/inet/guard"]));
  expect(output).toMatch(/hv\/nftables-table\/inet\/bad: not in this plan, and the host would reject it: /);
  expect((await preview()).code).not.toBe(0);
  edit("host_vars/hv.yml", "  - { family: inet, name: bad, content: frobnicate }\n", "");
});

test("a host that is away is said, and the rest goes on; without verification no connection is opened", async () => {
  const file = join(inventory, "ssh_config");
  const config = readFileSync(file, "utf8");
  edit("host_vars/hv.yml", "devices reach nothing here", "devices reach nothing");
  writeFileSync(file, config.replace(`Port ${sshPort}`, "Port 1"));
  const away = await good(preview());
  expect(away.output).toMatch(/hv is not verified: hv cannot be reached: [^]*Connection refused/);
  expect(away.output).toMatch(/app is not verified: app cannot be reached/);
  writeFileSync(file, config.replace("HostName 10.10.10.20", "HostName 10.10.10.99"));
  const half = await good(preview());
  expect(half.output).toMatch(/hv is verified: \d+ in sync, 1 to change\n/);
  expect(half.output).toMatch(/app is not verified: app cannot be reached/);
  writeFileSync(file, config);
  const since = await now("hv");
  const { output } = await good(stack(["preview", "--diff", "--config", "homelab:verify=false"]));
  expect(output).not.toContain("verified");
  expect(await loginsSince("hv", since)).toBe(0);
});

test("of a bare host it is said what cannot be verified yet, and why", async () => {
  await lab.reset();
  await fresh();
  const guest = idle("guest", { disks: [{ volume: "vms/disk" }], interfaces: [plug("10.10.10.31")] });
  asHypervisor({ pools: POOLS, volumes: [volume("disk")], domains: [guest] });
  const { output } = await good(preview([], ["hv"]));
  const [libvirt, podman] = [
    "libvirt is not installed yet; `hypervisor: true` in homelab_host brings it",
    "podman is not installed yet; `podman: true` in homelab_host brings it",
  ];
  const unverified = {
    "nftables-table/inet/isolation": "nft is not installed yet; `homelab_host` brings it",
    "vlan/apps": "there is no bridge br0 on this host yet; `bridges` makes one",
    "pool/vms": libvirt,
    "volume/vms/disk": libvirt,
    "domain/guest": libvirt,
    "podman-secret/web/greeting": podman,
    "quadlet-unit/web/web.container": podman,
  };
  for (const [unit, why] of Object.entries(unverified))
    expect(output).toContain(`hv/${unit}: unverified: not checked on the host: ${why}\n`);
  expect(output).toMatch(/hv is verified: 3 to change, 9 unverified\n/);
  expect(output).toMatch(/app is not verified: app cannot be reached/);
});
