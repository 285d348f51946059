// Drift of all kinds but guests' (domain-drift), made with the ordinary tools: found, named and repaired, and nothing else touched.
import { type Drift, expectNamed, expectRepaired, idsOf, makeDrift } from "./drifts";
import { type Lab } from "./lab";
import { foreign, makeForeign, page, started, text, traces } from "./look";
import { configured, edit, good, stack, up } from "./project";
import { expectAtWork } from "./standing";

jest.setTimeout(3_600_000);

let lab: Lab;

// Of ours, and left alone: nothing of it is named by what is changed, but its user's systemd.
const TABLE = '  - { family: inet, name: bystander, content: "chain c { tcp dport 9 drop; }" }\n';
const CONTAINER = [
  "  - { user: web, name: bystander.container, sections: { ",
  'Container: { Image: "localhost/web:1", Exec: sleep 3600, Network: none }, ',
  "Service: { TimeoutStopSec: 2 }, Install: { WantedBy: default.target } } }\n",
].join("");
const BYSTANDER = "hv/quadlet-unit/web/bystander.container";
/** What rests on the user's systemd. */
const ALL_OF_WEB = ["hv/podman-secret/web/greeting", "hv/quadlet-unit/web/web.image", "hv/quadlet-unit/web/web.container", BYSTANDER];
/** What cannot be looked at while its user cannot enter its home. */
const ALL_OF_NOTES = ["app/quadlet-unit/notes/web.image", "app/quadlet-unit/notes/notes.container"];

const inHome = (user: string, command: string): string => `cd /; runuser -u ${user} -- env XDG_RUNTIME_DIR=/run/user/2001 ${command}`;
const UNITS = (user: string): string => `/home/${user}/.config/containers/systemd/lab`;

/** As many at once as have nothing to do with each other. */
const waves: Record<string, Drift[]> = {
  "what runs in another way": [
    ["hv/host", "sysctl -q -w net.ipv4.ip_forward=0", /IPv4 forwarding is off, wanted on/],
    ["hv/bridge/br0", "bridge vlan add dev eth1 vid 99", /eth1: VLANs 10, 20, 99, wanted 10, 20/],
    ["hv/vlan/iot", "ip addr del 10.10.20.1/24 dev iot", /iot: address none, wanted 10.10.20.1\/24/],
    ["hv/nftables-table/inet/isolation", "nft add rule inet isolation input tcp dport 22 accept", /-.*tcp dport 22 accept/],
    ["hv/service-user/web", "usermod --shell /bin/bash web", /shell is \/bin\/bash, wanted \/usr\/sbin\/nologin/],
    [
      "hv/podman-secret/web/greeting",
      inHome("web", "sh -c 'echo other | podman secret create --replace greeting -'"),
      /its value is not the wanted one/,
    ],
    [
      "hv/quadlet-unit/web/web.container",
      "systemctl --user -M web@ stop web.service",
      /web.service is (failed|inactive) .*, wanted active/,
    ],
    ["hv/quadlet-unit/web/web.image", inHome("web", "podman untag localhost/web:1"), /image localhost\/web:1 does not exist/],
    ["app/host", "systemctl disable -q systemd-networkd-wait-online", /systemd-networkd-wait-online.service is disabled, wanted enabled/],
    ["app/nftables-table/inet/guard", "nft flush chain inet guard input", /\+.*the page is for its own VLAN/],
    ["app/service-user/notes", "sed -i /notes/d /etc/subgid", /\/etc\/subgid has nothing/],
    ["app/quadlet-unit/notes/notes.container", `echo more >>${UNITS("notes")}/site/index.html`, /-more/],
  ],
  "what is gone": [
    ["hv/host", "systemctl mask -q systemd-networkd-wait-online", /systemd-networkd-wait-online.service is masked, wanted enabled/],
    ["hv/bridge/br0", "ip link set br0 type bridge vlan_filtering 0", /br0: VLAN filtering is off, wanted on/],
    ["hv/vlan/iot", "ip link del iot", /iot: there is no such link/],
    ["hv/nftables-table/inet/isolation", "nft delete table inet isolation", /table inet isolation is not loaded/],
    ["hv/podman-secret/web/greeting", inHome("web", "podman secret rm greeting"), /\(delete\)/],
    ["hv/quadlet-unit/web/web.container", `rm ${UNITS("web")}/site/index.html`, /\+.*Hello from hv/],
    ["app/host", "dpkg -r --force-depends catatonit", /packages missing: catatonit/],
    ["app/nftables-table/inet/guard", "rm /etc/homelab/nftables/lab/inet-guard.nft", /\+.*the page is for its own VLAN/],
    ["app/service-user/notes", "usermod --comment '' notes", /comment is , wanted homelab\/lab/],
    [
      "app/quadlet-unit/notes/notes.container",
      "systemctl --user -M notes@ kill -s KILL notes.service; sleep 20",
      /notes.service is failed .*, wanted active/,
    ],
  ],
  "files with another text": [
    ["hv/host", "echo '# by hand' >>/etc/systemd/system/homelab-nftables.service", /-# by hand/],
    ["hv/bridge/br0", "echo '# by hand' >>/etc/systemd/network/10-homelab-br0.netdev", /-# by hand/],
    ["hv/vlan/iot", "echo '# by hand' >>/etc/systemd/network/10-homelab-iot.network", /-# by hand/],
    ["hv/nftables-table/inet/isolation", "echo '# by hand' >>/etc/homelab/nftables/lab/inet-isolation.nft", /-# by hand/],
    ["hv/service-user/web", "sed -i s/web:300000/web:500000/ /etc/subuid", /\/etc\/subuid has .*500000/],
    [
      "hv/quadlet-unit/web/web.image",
      inHome("web", "sh -c 'tar -cT /dev/null | podman import -q - localhost/other:1 && podman tag localhost/other:1 localhost/web:1'"),
      /image localhost\/web:1 is not the one that web-image.service got/,
    ],
    ["hv/quadlet-unit/web/web.container", `echo '# by hand' >>${UNITS("web")}/web.container`, /-# by hand/],
    ["app/quadlet-unit/notes/web.image", `echo '# by hand' >>${UNITS("notes")}/web.image`, /-# by hand/],
    [
      "app/quadlet-unit/notes/notes.container",
      inHome(
        "notes",
        `sh -c 'mkdir ${UNITS("notes")}/notes.container.d; echo [Container] >${UNITS("notes")}/notes.container.d/by-hand.conf'`,
      ),
      /notes.container.d\/by-hand.conf is there, but not wanted/,
    ],
  ],
  "what stands elsewhere": [
    [
      "hv/host",
      "rm /etc/systemd/system/multi-user.target.wants/network-online.target",
      /network-online.target is wanted by nothing, so rootless services wait 90 s/,
    ],
    ["hv/bridge/br0", "bridge vlan del dev eth1 vid 20", /eth1: VLANs 10, wanted 10, 20/],
    ["hv/vlan/iot", "bridge vlan del dev br0 vid 20 self", /br0: it is not in VLAN 20 itself/],
    ["hv/nftables-table/inet/isolation", "nft add chain inet isolation more", /-.*chain more/],
    ["hv/service-user/web", "sed -i s/web:300000:65536/web:300000:1000/ /etc/subgid", /\/etc\/subgid has .*1000/],
    [
      "hv/quadlet-unit/web/web.container",
      "systemctl --user -M web@ mask web.service",
      /web.service: systemd reports it as masked, wanted loaded/,
    ],
    ["app/nftables-table/inet/guard", "nft insert rule inet guard input accept", /-.*accept/],
    ["app/quadlet-unit/notes/notes.container", `rm ${UNITS("notes")}/notes.container`, /\(delete\)|\+Image=web.image/],
  ],
  "what others rest on": [
    ["hv/host", "rm /etc/systemd/system/nftables.service.d/homelab.conf", /\+ExecStartPost=-\/bin\/sh \/etc\/homelab\/load-tables/],
    ["hv/bridge/br0", "ip link set br0 type bridge stp_state 1", /br0: spanning tree is on/],
    ["hv/vlan/iot", "ip addr add 10.10.20.9/24 dev iot; ip link set iot down", /iot: address [^]*iot: it is down/],
    ["hv/service-user/web", "systemctl stop user@2001", /its systemd manager does not run/, ALL_OF_WEB],
    [
      "app/quadlet-unit/notes/notes.container",
      `install -m 600 -o root ${UNITS("notes")}/notes.container /tmp/by-root && mv /tmp/by-root ${UNITS("notes")}/notes.container`,
      /notes.container: its user cannot read it: Permission denied/,
    ],
  ],
  "who stays without a login": [
    [
      "hv/service-user/web",
      "loginctl disable-linger web; timeout 120 sh -c 'while test -e /run/user/2001; do sleep 1; done'",
      /linger is off, wanted on/,
      ALL_OF_WEB,
    ],
    [
      "app/service-user/notes",
      "chown root:root /home/notes; chmod 700 /home/notes",
      /\/home\/notes is missing or not the user's own/,
      ALL_OF_NOTES,
    ],
  ],
};

beforeAll(async () => {
  lab = await configured();
  await makeForeign();
  edit("host_vars/hv.yml", "\nnftables_tables:\n", `\nnftables_tables:\n${TABLE}`);
  edit("host_vars/hv.yml", "\nquadlet_units:\n", `\nquadlet_units:\n${CONTAINER}`);
  await up();
});

afterAll(() => lab.reset());

test("there are more than 40, each another one", () => {
  const commands = Object.values(waves).flatMap((drifts) => drifts.map(([, command]) => command));
  expect(new Set(commands).size).toBeGreaterThanOrEqual(40);
});

/** What is not ours; a VLAN, a table and a container of ours; and all of app where nothing is done there. */
async function untouched(drifts: Drift[]): Promise<unknown[]> {
  const ids = idsOf(drifts);
  const [container] = (await started("hv", "web")).split("\n").filter((line) => line.startsWith("bystander.service "));
  expect(container).toBeDefined();
  return [
    await foreign(),
    await text("hv", "ip -o -4 address show apps; find /etc/systemd/network -name '*apps*' -printf '%p %i %T@\\n' | sort"),
    await text("hv", "nft -a list table inet bystander; systemctl show -P ExecMainStartTimestampMonotonic systemd-networkd"),
    ids.includes(BYSTANDER) || container,
    ids.some((id) => id.startsWith("app/")) || (await traces("app")),
  ];
}

async function byRefresh(drifts: Drift[]): Promise<void> {
  expectNamed((await good(stack(["refresh", "--yes", "--skip-preview", "--diff"]))).output, drifts);
  expectRepaired((await up("--diff")).output, drifts);
}

/** A refresh that only looks names the same, and leaves state as it is. */
async function byTwoRefreshes(drifts: Drift[]): Promise<void> {
  const state = async () => (await good(stack(["stack", "export"]))).output;
  const before = await state();
  expectNamed((await good(stack(["refresh", "--preview-only", "--diff"]))).output, drifts);
  expect(await state()).toBe(before);
  await byRefresh(drifts);
}

async function byOneUp(drifts: Drift[]): Promise<void> {
  const { output } = await up("--refresh", "--diff");
  expectNamed(output, drifts);
  expectRepaired(output, drifts);
}

const ways: Record<string, (drifts: Drift[]) => Promise<void>> = {
  "what is gone": byTwoRefreshes,
  "files with another text": byOneUp,
};

test.each(Object.entries(waves))("%s", async (what, drifts) => {
  const before = await untouched(drifts);
  await makeDrift(drifts);
  await (ways[what] ?? byRefresh)(drifts);
  await expectAtWork();
  expect(await page("app", "http://10.10.10.20:8080/")).toContain("Hello from app");
  await good(stack(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]));
  expect(await untouched(drifts)).toEqual(before);
});

test("20 looks under traffic, one of them after a boot, tell of nothing; after it all is there without a run", async () => {
  // A counter, a set that fills itself, a container that is renewed, and one that crashes and is started again.
  edit(
    "host_vars/hv.yml",
    'iifname "iot" ct state established,related accept\n',
    'iifname "iot" ct state established,related accept\n        tcp dport 8080 counter update @seen { ip saddr }\n',
  );
  edit(
    "host_vars/hv.yml",
    "      chain input {\n",
    "      set seen {\n        type ipv4_addr\n        flags dynamic\n        timeout 1h\n      }\n\n      chain input {\n",
  );
  edit("host_vars/hv.yml", "Image: web.image\n", "Image: web.image\n        AutoUpdate: local\n");
  edit("host_vars/hv.yml", "      Install: { WantedBy", "      Service: { Restart: always, RestartSec: 1 }\n      Install: { WantedBy");
  await up();
  await text("app", "systemd-run -q --unit=traffic sh -c 'while sleep 0.5; do busybox wget -q -O /dev/null http://10.10.10.1:8080/; done'");
  const look = () => good(stack(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]));
  for (let looks = 0; looks < 10; looks += 1) await look();
  await text("hv", "systemctl --user -M web@ kill -s KILL web.service; sleep 20");
  await look();
  const podman = (command: string): Promise<string> => text("hv", inHome("web", `podman ${command}`));
  const image = () => podman("container inspect --format '{{.Image}}' systemd-web");
  const before = await image();
  await text("hv", inHome("web", "sh -c 'podman commit -q systemd-web localhost/web:1 && podman auto-update'"));
  const renewed = await podman("image inspect --format '{{.Id}}' localhost/web:1");
  expect([await image(), renewed === before]).toEqual([renewed, false]);
  await text("app", "systemctl restart systemd-networkd; networkctl renew eth0.10; sleep 5");
  for (let looks = 0; looks < 4; looks += 1) await look();

  await lab.powerCycle("hv");
  await lab.waitForLogin("hv");
  await text("hv", "systemctl is-system-running --wait || true");
  // What --wait waits for may be over before it listens, as a user's systemd is asked through a bridge.
  await text(
    "hv",
    "timeout 300 sh -c 'until systemctl --user -M web@ is-system-running | grep -Eq \"running|degraded\"; do sleep 1; done'",
  );
  await expectAtWork();
  expect(await page("app", "http://10.10.10.1:8080/")).toContain("Hello from hv");
  const begun = await text(
    "hv",
    "systemctl show -P ActiveEnterTimestampMonotonic homelab-nftables; systemctl show -P ActiveEnterTimestampMonotonic systemd-networkd",
  );
  const [rules, network] = begun.trim().split(/\s+/).map(Number);
  expect(rules).toBeLessThan(network!);
  for (let looks = 0; looks < 5; looks += 1) await look();
  expect(await text("hv", "nft list set inet isolation seen")).toContain("10.10.10.20");
});
