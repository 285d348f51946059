// An object without an owner, or of another owner, is rejected with the difference, and taken over only with adopt.
import { type Lab } from "./lab";
import { text } from "./look";
import { changed, configured, good, playbook, stack, up, withMore } from "./project";

jest.setTimeout(1_800_000);

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

const units = (adopt: object) => ({
  bridges: [{ name: "br9", ports: [], ...adopt }],
  vlans: [{ name: "v9", id: 9, bridge: "br0", ...adopt }],
  nftables_tables: [{ family: "inet", name: "theirs", content: "chain c { tcp dport 9 counter; tcp dport 10 accept; }", ...adopt }],
  service_users: [{ name: "theirs", uid: 2009, subids: { start: 900000 }, ...adopt }],
  quadlet_units: [
    {
      user: "web",
      name: "theirs.container",
      sections: { Container: { Image: "web.image", Exec: "sleep 3600", Network: "none" } },
      ...adopt,
    },
  ],
});

const THEIRS = [
  "ip link add br9 type bridge",
  "ip link add link br0 name v9 type vlan id 90",
  "nft 'add table inet theirs { chain c { tcp dport 9 counter; }; }'",
  "useradd --uid 2009 -m theirs",
  "printf '[Container]\\nImage=none\\n' | install -o web -g web -m 644 /dev/stdin /home/web/.config/containers/systemd/theirs.container",
];
const seen = () =>
  text(
    "hv",
    "ip -o -d link show br9; ip -o -d link show v9; nft -a list table inet theirs; getent passwd theirs; cat /home/web/.config/containers/systemd/theirs.container",
  );

const all = (adopt: object) => Object.entries(units(adopt));
// VLANs wait for rules and bridges, and services for all of them, so those are tried by themselves.
const KINDS = [["bridges", "nftables_tables", "service_users"], ["vlans"], ["quadlet_units"]];
const IDS: Record<string, string> = {
  bridges: "bridge br9",
  vlans: "vlan v9",
  nftables_tables: "nftables-table inet/theirs",
  service_users: "service-user theirs",
  quadlet_units: "quadlet-unit web/theirs.container",
};

test.each(KINDS)(
  "without `adopt` %s (and so on) are refused, with what differs, on both routes, and nothing is touched",
  async (...lists) => {
    if (lists.includes("bridges")) for (const command of THEIRS) await text("hv", command);
    const before = await seen();
    withMore(Object.fromEntries(all({}).filter(([list]) => lists.includes(list))));
    const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
    const plain = await playbook("--limit", "hv");
    expect([code, plain.code, changed(plain.stdout)]).toEqual([1, 2, { hv: 0 }]);
    for (const list of lists) {
      const said = "it exists and is not managed by homelab. Set .adopt: true.";
      expect([list, output]).toEqual([list, expect.stringMatching(new RegExp(`hv/${IDS[list]!.replace(" ", "/")}: ${said}`))]);
      expect([list, plain.stdout]).toEqual([list, expect.stringMatching(new RegExp(`${IDS[list]}: ${said}`))]);
    }
    if (lists.includes("bridges")) expect(output).toMatch(/\+\s+tcp dport 10 accept/);
    expect(await seen()).toBe(before);
  },
);

test("with `adopt` they are taken over", async () => {
  withMore(units({ adopt: true }));
  expect((await up()).output).toMatch(/\+ 5 created/);
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
  expect(await text("hv", "find /home/web/.config/containers -name 'theirs*'")).toBe(
    "/home/web/.config/containers/systemd/lab/theirs.container\n",
  );
  expect(await text("hv", "cat /sys/class/net/br9/bridge/vlan_filtering")).toBe("1\n");
});

test("what bears another owner's mark is that owner's, and stays when ours goes", async () => {
  await text("hv", "nft 'add table inet third { comment \"homelab:third\"; }'");
  withMore({ nftables_tables: [{ family: "inet", name: "third", content: "chain c { }" }] });
  const { code, output } = await stack(["up", "--yes", "--skip-preview"]);
  expect([code, output]).toEqual([1, expect.stringMatching(/hv\/nftables-table\/inet\/third: it exists and is owned by 'third'/)]);
  withMore({});
  await good(stack(["up", "--yes", "--skip-preview"]));
  expect(await text("hv", "nft list tables; cat /sys/class/net/br9/mtu 2>&1 || true")).toMatch(/table inet third\n[^]*No such file/);
});
