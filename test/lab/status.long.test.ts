// `npm run status`, `npm run undeclared` and `npm run history` on the lab: what they tell, and that they change nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab } from "./lab";
import { makeForeign, text, traces } from "./look";
import { sshPort } from "./paths";
import { STACK, configured, edit, env, hypervisor, inventory, playbook, remove, up } from "./project";
import { projectRoot } from "./pulumi";
import { run } from "./run";

jest.setTimeout(1_800_000);

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

async function command(...args: string[]): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await run([process.execPath, join(projectRoot, "cli/run.js"), ...args, "--inventory", inventory], {
    check: false,
    env,
  });
  return { code, said: stdout + stderr };
}

const status = () => command("status", STACK);
const undeclared = () => command("undeclared", "hv");

test("right after up all is in step, and the host has only what Debian and an operator bring", async () => {
  const before = await traces("hv");
  const { code, said } = await status();
  expect([code, said]).toEqual([0, expect.stringMatching(/\n14 units\n {2}14 in sync\n$/)]);
  expect((await undeclared()).said).toMatch(/ {2}service-user +operator +- +-\n1 in all\n {2}1 not managed by homelab\n$/);
  expect(await traces("hv")).toBe(before);
});

test("of each unit it is told which side moved", async () => {
  // The configuration, the host, and both; one that plain Ansible applied, one that is new, one that left.
  edit("host_vars/hv.yml", "tagged: [10, 20]", "tagged: [10, 20, 30]");
  await text("hv", "nft add rule inet isolation input tcp dport 22 accept");
  edit("host_vars/hv.yml", "to: 10.10.20.199", "to: 10.10.20.150");
  await text("hv", "ip addr del 10.10.20.1/24 dev iot");
  edit("host_vars/app.yml", "the page is for its own VLAN", "the page is for its VLAN alone");
  await playbook("--limit", "app");
  edit("host_vars/hv.yml", "service_users:\n", "service_users:\n  - { name: more, uid: 2002, subids: { start: 400000 } }\n");
  remove("host_vars/hv.yml", / {2}- user: web\n {4}name: web.container\n(?: {4}.*\n)*/);
  const before = await traces("hv");
  const { code, said } = await status();
  expect(code).toBe(0);
  for (const line of [
    /^ {2}host +declared +applied +as declared +-$/m,
    /^ {2}bridge\/br0 +changed: ports +applied +as applied +configuration$/m,
    /^ {2}nftables-table\/inet\/isolation +declared +applied +differs +host\n(?: {6}.*\n)* {6}-.*tcp dport 22 accept$/m,
    /^ {2}vlan\/iot +changed: dhcp +applied +differs +configuration, host$/m,
    /^ {2}nftables-table\/inet\/guard +changed: content +applied +as declared +state$/m,
    /^ {2}service-user\/more +declared +not held +absent +configuration$/m,
    /^ {2}quadlet-unit\/web\/web\.container +not declared +applied +as applied +configuration$/m,
  ])
    expect(said).toMatch(line);
  expect(await traces("hv")).toBe(before);
  // What it says is mended by what it names.
  await up("--refresh");
  expect((await status()).said).toMatch(/\n14 units\n {2}14 in sync\n$/);
});

test("each apply by either route left a line, and nobody but root can add one", async () => {
  const lines = "SYSLOG_IDENTIFIER=homelab\\nMESSAGE=x\\nHOMELAB_RESULT=ok\\nHOMELAB_OPERATOR=forged@desk\\n";
  await text("hv", `cd /; printf '${lines}' | runuser -u web -- logger --journald`);
  const { code, said } = await command("history", "hv");
  expect(code).toBe(0);
  expect(said).toMatch(/^ {2}[-0-9]+ [:0-9]+ {2}\S+@\S+ +pulumi +\S+ +ok .*\bvlan\/iot\b/m);
  expect(said).not.toContain("forged");
  expect((await command("history", "app")).said).toMatch(/ ansible .* ok .*nftables-table\/inet\/guard/);
});

test("what is on a host and in no configuration is listed by kind, with whose it is", async () => {
  await makeForeign();
  await text("hv", 'nft add table inet left "{ comment \\"homelab:garage\\"; }"');
  const before = await traces("hv");
  const { code, said } = await undeclared();
  expect(code).toBe(0);
  for (const line of [
    /^ {2}nftables-table +inet\/left +garage +-$/m,
    /^ {2}nftables-table +inet\/theirs +- +-$/m,
    /^ {2}service-user +theirs +- +-$/m,
    /^ {2}bridge +br9 +- +-$/m,
    /^ {2}quadlet-unit +system\/theirs\.container +- +-$/m,
    /^ {2}1 of other owners that no state here holds/m,
  ])
    expect(said).toMatch(line);
  expect(said).not.toMatch(/isolation|br0/);
  expect(await traces("hv")).toBe(before);
});

test("a host that is away is said once, and is an error", async () => {
  const file = join(inventory, "ssh_config");
  const config = readFileSync(file, "utf8");
  writeFileSync(file, config.replace(`Port ${sshPort}`, "Port 1"));
  const { code, said } = await status();
  writeFileSync(file, config);
  expect([code, said]).toEqual([1, expect.stringMatching(/\n14 units\n {2}14 not read\n$/)]);
  expect(said.match(/ECONNREFUSED|Connection refused/gi)).toHaveLength(2);
});

test("of a hypervisor guests with all they have, links, images and secrets are listed, too", async () => {
  await hypervisor();
  const image = "0".repeat(64);
  for (const command of [
    "virsh pool-define-as theirs dir --target /srv/theirs && virsh pool-build theirs && virsh pool-start theirs",
    "virsh vol-create-as theirs disk 16M",
    `echo "<domain type='qemu'><name>theirs</name><memory>65536</memory><os><type>hvm</type></os></domain>" >/tmp/x && virsh define /tmp/x`,
    "ip link add link br0 name theirs type vlan id 99",
    `mkdir -p /var/lib/homelab-images && echo theirs >/var/lib/homelab-images/${image}`,
    "echo word | podman secret create theirs -",
    "cd /; echo word | runuser -u web -- podman secret create --label homelab.owner=garage theirs -",
  ])
    await text("hv", command);
  const before = await traces("hv");
  const { code, said } = await undeclared();
  expect(code).toBe(0);
  for (const line of [
    /^ {2}vlan +theirs +- +-$/m,
    /^ {2}pool +theirs +- +-$/m,
    new RegExp(`^ {2}image +${image} +- +-$`, "m"),
    /^ {2}volume +theirs\/disk +- +-$/m,
    /^ {2}domain +theirs +- +-$/m,
    /^ {2}podman-secret +system\/theirs +- +-$/m,
    /^ {2}podman-secret +web\/theirs +garage +-$/m,
    /^ {2}1 of other owners that no state here holds/m,
  ])
    expect(said).toMatch(line);
  expect(said).not.toMatch(/isolation|\bbr0|apps|greeting/);
  expect(await traces("hv")).toBe(before);
});
