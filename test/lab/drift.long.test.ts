// One change by hand for each kind: both routes name it, and each repairs it.
import { type Drift, expectNamed, expectRepaired, makeDrift } from "./drifts";
import { type Lab } from "./lab";
import { changed, configured, good, playbook, stack, up } from "./project";
import { expectAtWork } from "./standing";

jest.setTimeout(1_800_000);

/** What somebody does by hand on hv, and what both routes say of it. */
const byHand: Drift[] = [
  ["hv/host", "sysctl -q -w net.ipv4.ip_forward=0", /IPv4 forwarding is off, wanted on/],
  ["hv/bridge/br0", "bridge vlan add dev eth1 vid 99; ip link set br0 type bridge vlan_filtering 0", /VLANs 10, 20, 99, wanted 10, 20/],
  ["hv/vlan/iot", "ip addr del 10.10.20.1/24 dev iot", /address none, wanted 10.10.20.1\/24/],
  ["hv/nftables-table/inet/isolation", "nft add rule inet isolation input tcp dport 22 accept", /-.*tcp dport 22 accept/],
  ["hv/service-user/web", "usermod --shell /bin/bash web", /shell is \/bin\/bash, wanted \/usr\/sbin\/nologin/],
  [
    "hv/podman-secret/web/greeting",
    "cd /; echo other | runuser -u web -- podman secret create --replace greeting -",
    /its value is not the wanted one/,
  ],
  [
    "hv/quadlet-unit/web/web.container",
    "systemctl --user -M web@ stop web.service",
    /web.service is (failed|inactive) [^"]*, wanted active/,
  ],
];

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

test("refresh names it and nothing else, and up repairs it and nothing else", async () => {
  await makeDrift(byHand);
  expectNamed((await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]))).output, byHand);
  expectRepaired((await up("--diff")).output, byHand);
  await expectAtWork();
  expect((await good(stack(["refresh", "--yes"]))).output).not.toMatch(/updated/);
});

test("plain Ansible's check mode names it, and a run without it repairs it", async () => {
  await makeDrift(byHand);
  const check = await playbook("--check", "--diff", "--limit", "hv");
  for (const [resource, , said] of byHand) expect([resource, check.stdout]).toEqual([resource, expect.stringMatching(said)]);
  expect(changed(check.stdout)).toEqual({ hv: 7 });
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 7 });
  await expectAtWork();
  expect((await good(stack(["preview", "--refresh", "--expect-no-changes"]))).output).toMatch(/17 unchanged/);
});
