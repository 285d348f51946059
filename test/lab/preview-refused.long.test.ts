// What hosts refuse of many kinds at once is told by one preview, and so is what they cannot know before the run that makes it.
import { POOLS, idle, tiny, volume } from "./guests";
import { type Lab } from "./lab";
import { text, unchanging } from "./look";
import { type HostName } from "./paths";
import { asHypervisor, good, hypervisor, runs, setVault, stack, up } from "./project";

jest.setTimeout(3_600_000);

const HOSTS: HostName[] = ["hv", "app"];

let lab: Lab;
let sha256: string;

const wanted = { Install: { WantedBy: "default.target" } };
const container = (name: string, settings: object = {}, service: object = {}) => ({
  user: "web",
  name: `${name}.container`,
  sections: {
    Container: { Image: "web.image", Network: "none", Exec: "sleep 3600", ...settings },
    Service: { TimeoutStopSec: 2, ...service },
    ...wanted,
  },
});
const data = (label: string, more: object = {}) => ({
  user: "web",
  name: "data.volume",
  sections: { Volume: { Label: label }, ...wanted },
  ...more,
});
const keeper = (settings: object, restart: string) => ({ ...container("keeper", { Secret: "greeting", ...settings }), restart });

/** Of 16 MiB, all of it data. */
const image = (name: string, more: object = {}) => ({ name, source: "/srv/big.raw", sha256, ...more });

/** What is there before. A guest that runs keeps libvirt from ending. */
const there = () => ({
  pools: [...POOLS, { name: "small", path: "/srv/small" }],
  images: [image("big")],
  volumes: [volume("shrinks", { size: "32 MiB" }), volume("held", { on_delete: "destroy" })],
  domains: [tiny("steady"), idle("other")],
  quadlet_units: [data("a=1"), keeper({}, "denied")],
});

/** A domain of somebody else, with one of our volumes. */
const THEIRS =
  "<domain type='qemu'><name>theirs</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>" +
  "<devices><disk type='file'><source file='/srv/vms/held'/><target dev='vda'/></disk></devices></domain>";

beforeAll(async () => {
  lab = await hypervisor();
  await text("hv", "mkdir /srv/small && mount -t tmpfs -o size=8m,mode=0711 none /srv/small");
  sha256 = (await text("hv", "head -c 16M /dev/urandom >/srv/big.raw; sha256sum /srv/big.raw")).slice(0, 64);
  await setVault({ greeting: "hello" });
  asHypervisor(there());
  await up();
  await text("hv", `echo "${THEIRS}" >/tmp/theirs.xml && virsh define /tmp/theirs.xml`);
});

afterAll(() => lab.reset());

/** A preview, which changes nothing. */
const preview = () => unchanging(HOSTS, () => stack(["preview", "--diff"]));

test("what the same run makes first is told as the reason why the rest cannot be verified yet", async () => {
  const { pools, images, volumes, domains } = there();
  asHypervisor({
    ...there(),
    bridges: [{ name: "br1" }],
    vlans: [{ name: "extra", id: 40, bridge: "br1", address: "10.10.40.1/24" }],
    pools: [...pools, { name: "new", path: "/srv/new" }],
    images: [...images, image("fresh")],
    volumes: [...volumes, volume("disk", { pool: "new" }), volume("copy", { image: "fresh" })],
    domains: [...domains, idle("waiting", { disks: [{ volume: "new/disk" }] }), idle("plugged", { interfaces: [{ bridge: "br1" }] })],
    service_users: [{ name: "more", uid: 2002, subids: { start: 400000 } }],
    podman_secrets: [{ user: "more", name: "greeting" }],
    quadlet_units: [...there().quadlet_units, { ...container("page", { Image: "localhost/web:1" }), user: "more" }],
  });
  const { output } = await good(preview());
  const noUser = "user more does not exist or has no systemd running yet; `service_users` sees to that";
  const unverified = {
    "vlan/extra": "there is no bridge br1 on this host yet; `bridges` makes one",
    "volume/new/disk": "there is no pool new yet; `pools` makes it",
    "volume/vms/copy": "there is no image fresh yet; `images` makes it",
    "domain/waiting": "there is no volume new/disk yet; `volumes` makes it",
    "domain/plugged": "there is no bridge br1 yet; `bridges` makes it",
    "podman-secret/more/greeting": noUser,
    "quadlet-unit/more/page.container": noUser,
  };
  for (const [unit, why] of Object.entries(unverified))
    expect(output).toContain(`hv/${unit}: unverified: not checked on the host: ${why}\n`);
  for (const unit of ["bridge/br1", "pool/new", "image/fresh", "service-user/more"])
    expect(output).toContain(`hv/${unit}: verified on the host: live\n`);
  expect(output).toMatch(/hv is verified: \d+ in sync, 4 to change, 7 unverified\n/);
});

/** Each unit that is refused, and with what words. */
const refused: Record<string, RegExp> = {
  "quadlet-unit/web/syntax.container":
    /Quadlet's generator rejects it:\s+(\S+ )?error loading "syntax\.container", file contains line 1: “\[Container”/,
  "quadlet-unit/web/key.container":
    /Quadlet's generator rejects it:\s+(\S+ )?converting "key\.container": unsupported key 'Imgae' in group 'Container'/,
  "quadlet-unit/web/value.container": /systemd rejects it:\s+Failed to parse Restart=alway/,
  "quadlet-unit/web/archive.image": /there is no file \/srv\/images\/none\.tar on this host/,
  "quadlet-unit/web/keeper.container": /the change restarts it; set `restart: allowed` on it to let that happen/,
  "quadlet-unit/web/data.volume": /a changed volume is recreated and loses its data; set `on_delete: destroy` on it to allow that/,
  "podman-secret/web/greeting": /the change restarts keeper\.container; set `restart: allowed` on that and apply it, then apply this/,
  "image/gone": /there is no file \/srv\/none\.raw on this host/,
  "image/away": /http:\/\/127\.0\.0\.1:9\/none\.raw cannot be had: [^\n]*refused/,
  "volume/small/large": /image big takes \d+ MiB, and there are \d MiB left in \/srv\/small/,
  "volume/vms/tight": /image big is larger than 8 MiB; declare at least 16 MiB/,
  "volume/vms/shrinks": /\/srv\/vms\/shrinks is larger than 16 MiB, and a volume is never made smaller: declare its size/,
  "domain/other": /another machine type or firmware makes it a new machine, with its disks; `restart: allowed` allows that/,
};

test("each refusal is told with the host's own words and fails the preview; up stops before anything is changed", async () => {
  const { images, domains } = there();
  asHypervisor({
    ...there(),
    images: [
      ...images,
      image("gone", { source: "/srv/none.raw", sha256: "0".repeat(64) }),
      image("away", { source: "http://127.0.0.1:9/none.raw", sha256: "1".repeat(64) }),
    ],
    volumes: [volume("shrinks"), volume("tight", { size: "8 MiB", image: "big" }), volume("large", { pool: "small", image: "big" })],
    domains: [domains[0]!, idle("other", { machine: "pc" })],
    quadlet_units: [
      data("a=2"),
      keeper({ ReadOnly: true }, "denied"),
      { user: "web", name: "syntax.container", content: "[Container\nImage=web.image\n" },
      container("key", { Imgae: "x" }),
      container("value", {}, { Restart: "alway" }),
      {
        user: "web",
        name: "archive.image",
        sections: { Image: { Image: "docker-archive:/srv/images/none.tar", ImageTag: "localhost/none:1" } },
      },
    ],
  });
  await setVault({ greeting: "another" });
  const count = Object.keys(refused).length;
  const { code, output } = await preview();
  expect(code).not.toBe(0);
  for (const [unit, words] of Object.entries(refused))
    expect(output).toMatch(new RegExp(`hv/${unit}: rejected by the host: ${words.source}`));
  expect(output).toMatch(new RegExp(`hv is verified: \\d+ in sync, ${count} rejected\n`));
  expect(output).toMatch(/app is verified: \d+ in sync\n/);
  expect(output).toContain(`${count} resources are rejected by the hosts, see above; nothing was changed`);
  // What is to be removed, and would take data along or is held by others.
  const leaving = "volume vms/held is no longer declared";
  expect(output).toContain(`data-loss: ${leaving}. Removing it deletes its data (\`on_delete: destroy\`).`);
  expect(output).toContain(`${leaving}, and its removal is blocked: /srv/vms/held is a disk of domain theirs; take it out there first`);

  const stopped = await unchanging(HOSTS, () => stack(["up", "--yes"]));
  expect([stopped.code === 0, runs()]).toEqual([false, []]);
  expect(stopped.output).toContain(`${count} resources are rejected by the hosts, see above; nothing was changed`);
});

test("what a refusal says to set lets the change happen, with what it does", async () => {
  asHypervisor({
    ...there(),
    domains: [there().domains[0]!, idle("other", { machine: "pc", restart: "allowed" })],
    quadlet_units: [data("a=2", { on_delete: "destroy" }), keeper({ ReadOnly: true }, "allowed")],
  });
  await setVault({ greeting: "hello" });
  const { output } = await good(preview());
  expect(output).toContain("hv/domain/other: verified on the host: replace\n");
  expect(output).toContain("hv/quadlet-unit/web/data.volume: verified on the host: data-loss\n");
  expect(output).toContain("hv/quadlet-unit/web/keeper.container: verified on the host: restart\n");
  expect(output).toMatch(/hv is verified: \d+ in sync, 3 to change\n/);
});
