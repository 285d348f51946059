// A real Debian guest, as a cloud's images are, from its image to a service inside it by one up (npm run test:guest): long where hv
// is emulated itself.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { POOLS, virsh } from "./guests";
import { ensureGuestImage } from "./image";
import { type Lab } from "./lab";
import { page, pageWithin, text } from "./look";
import { sshConfig, stateDir } from "./paths";
import { asHypervisor, changed, good, hypervisor, inventory, playbook, stack, up } from "./project";
import { run } from "./run";

jest.setTimeout(4 * 3_600_000);

let lab: Lab;
let sha256: string;

const ADDRESS = "10.10.10.40";
const INSIDE = `
homelab_host:
  podman: true
nftables_tables:
  - family: inet
    name: guest
    content: |
      chain input {
        type filter hook input priority filter; policy accept;
        ct state established,related accept
        ip saddr 10.10.10.1 tcp dport 8080 counter accept
        tcp dport 8080 drop
      }
service_users:
  - name: web
    uid: 2001
    subids: { start: 300000 }
quadlet_units:
  - user: web
    name: web.image
    sections:
      Image: { Image: "docker-archive:/srv/images/web.tar", ImageTag: "localhost/web:1" }
  - user: web
    name: web.container
    sections:
      Container: { Image: web.image, PublishPort: ["8080:8080"] }
      Install: { WantedBy: default.target }
`;

const units = () => ({
  pools: POOLS,
  images: [{ name: "debian", source: "/srv/debian.qcow2", sha256 }],
  volumes: [{ pool: "vms", name: "deb", size: "4 GiB", image: "debian" }],
  domains: [
    {
      name: "deb",
      memory: "1 GiB",
      kernel: { kernel: "/srv/debian/vmlinux", initrd: "/srv/debian/initrd.img", cmdline: "root=/dev/vda rw console=ttyS0 net.ifnames=0" },
      disks: [{ volume: "vms/deb" }],
      interfaces: [{ bridge: "br0", vlan: 10, address: ADDRESS }],
      agent: true,
      ready: "cloud-init",
      ready_timeout: 3600,
      shutdown_seconds: 900,
      cloud_init: { user_data: userData() },
    },
  ],
});

function userData(): string {
  const key = readFileSync(join(stateDir, "id_ed25519.pub"), "utf8").trim();
  // Debian has a group of that name.
  const operator = {
    name: "operator",
    primary_group: "operator",
    shell: "/bin/bash",
    sudo: "ALL=(ALL) NOPASSWD:ALL",
    ssh_authorized_keys: [key],
  };
  return `#cloud-config\n${JSON.stringify({ users: [operator], package_update: false })}\n`;
}

beforeAll(async () => {
  lab = await hypervisor();
  const image = await ensureGuestImage();
  const disk = join(stateDir, "debian.qcow2");
  await run(["qemu-img", "convert", "-c", "-O", "qcow2", image.disk, disk]);
  await run(["scp", "-q", "-F", sshConfig, disk, image.vmlinux, image.initrd, "hv:/var/tmp/"]);
  await text(
    "hv",
    "mkdir /srv/debian; cd /var/tmp; chown root: debian.qcow2 vmlinux initrd.img; mv debian.qcow2 /srv; mv vmlinux initrd.img /srv/debian",
  );
  sha256 = (await text("hv", "sha256sum /srv/debian.qcow2")).slice(0, 64);
  const hosts = join(inventory, "hosts.yml");
  writeFileSync(hosts, readFileSync(hosts, "utf8").replace(/^( +)app:$/m, "$1app:\n$1deb:"));
  writeFileSync(join(inventory, "host_vars/deb.yml"), INSIDE);
  const config = join(inventory, "ssh_config");
  const deb = `Host deb\n  HostName ${ADDRESS}\n  HostKeyAlias deb\n  ProxyJump hv\n  UserKnownHostsFile ${join(inventory, "known_hosts")}\n\n`;
  writeFileSync(config, deb + readFileSync(config, "utf8").replace("Host hv app\n", "Host hv app deb\n"));
});

afterAll(() => lab.reset());

const PAGE = `http://${ADDRESS}:8080/`;

/** A guest is ready before its users' services are. Its table lets nobody else in, also of its own VLAN. */
async function expectPage(): Promise<void> {
  expect(await pageWithin(300, "hv", PAGE)).toContain("It works");
  await expect(page("app", PAGE)).rejects.toThrow("timed out");
}

test("one up makes the guest, waits for cloud-init in it, and goes on inside", async () => {
  asHypervisor(units());
  await up();
  await expectPage();
  expect(readFileSync(join(inventory, "known_hosts"), "utf8")).toMatch(/^deb ssh-ed25519 /m);
  const rules = await run(["ssh", "-F", join(inventory, "ssh_config"), "deb", "sudo nft list table inet guest"]);
  expect(rules.stdout).toMatch(/saddr 10\.10\.10\.1 tcp dport 8080 counter packets [1-9]/);
});

test("then there is nothing to do, by either route", async () => {
  expect((await up()).output).toMatch(/Resources:\n\s+\d+ unchanged\n/);
  await good(stack(["preview", "--refresh", "--expect-no-changes"]));
  expect(changed((await playbook("--check")).stdout)).toEqual({ hv: 0, app: 0, deb: 0 });
});

test("it is shut down gently, and all that is declared in it is there again after its next start", async () => {
  const [domain] = units().domains;
  asHypervisor({ ...units(), domains: [{ ...domain!, running: false }] });
  await up("--target", "**Domain**");
  expect(await virsh("domstate", "deb")).toBe("shut off\n");
  asHypervisor(units());
  await up();
  await expectPage();
});
