// Builds the lab's disk image once: Debian 13 as a fresh install with SSH and
// Python leaves it, plus a package cache so that no network is needed later.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { withLock } from "./lock";
import { cacheDir } from "./paths";
import { run, runAsRoot, step } from "./run";
import { webImage } from "./web-image";

export interface Image {
  disk: string;
  kernel: string;
  initrd: string;
  /** The kernel not compressed, which starts sooner, by PVH. */
  vmlinux: string;
}

/** How a root file system is made: what is installed, what only lies in the package cache, and what scripts do in it at last. */
interface Recipe {
  installed: string[];
  cached: string[];
  scripts: string[];
  diskSize: string;
}

const debian = [
  "linux-image-cloud-amd64,initramfs-tools,systemd-sysv,dbus,libpam-systemd,udev,kmod",
  "iproute2,iputils-ping,openssh-server,sudo,python3,python3-apt,ca-certificates,tzdata",
  "busybox-static,procps,less,zstd,apparmor",
];

/** The lab's machines: as a fresh installation leaves them. */
const machine: Recipe = {
  installed: debian,
  cached: [
    "nftables podman uidmap passt slirp4netns netavark aardvark-dns crun catatonit fuse-overlayfs",
    "dbus-user-session systemd-container dnsmasq-base",
    "libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils python3-libvirt genisoimage ovmf swtpm-tools",
  ].flatMap((line) => line.split(" ")),
  scripts: ["customise.sh", "unpack-kernel.sh", "guest.sh"],
  diskSize: "12G",
};

/** A guest as a cloud's images are, with what a Podman host needs: emulated twice, dpkg would take hours. */
const guest: Recipe = {
  installed: [
    ...debian,
    "cloud-init,e2fsprogs,qemu-guest-agent",
    "nftables,podman,uidmap,passt,netavark,aardvark-dns,crun,catatonit,dbus-user-session,systemd-container",
  ],
  cached: [],
  scripts: ["customise-guest.sh", "unpack-kernel.sh"],
  diskSize: "3G",
};

const recipeDir = join(__dirname, "image");

/** The image of the lab's machines; built when no earlier build has it. */
export const ensureImage = (): Promise<Image> => built(machine, recipeHash());

/** The image of a Debian guest. */
export const ensureGuestImage = (): Promise<Image> => built(guest, `${recipeHash()}-guest`);

async function built(recipe: Recipe, name: string): Promise<Image> {
  const dir = join(cacheDir, name);
  if (!existsSync(dir)) {
    await withLock(join(cacheDir, "build.lock"), async () => {
      if (!existsSync(dir)) await step("building the Debian 13 image, once (2 to 4 minutes)", () => build(recipe, dir));
    });
  }
  return { disk: join(dir, "disk.raw"), kernel: join(dir, "vmlinuz"), initrd: join(dir, "initrd.img"), vmlinux: join(dir, "vmlinux") };
}

/** Changes with anything that goes into the image. */
export function recipeHash(): string {
  const sources = ["image.ts", "web-image.ts", "tar.ts"].map((name) => join(__dirname, name));
  const hash = createHash("sha256");
  for (const file of [...sources, ...filesBelow(recipeDir)]) hash.update(`${file.slice(__dirname.length)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function build(recipe: Recipe, dir: string): Promise<void> {
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  const work = mkdtempSync(join(cacheDir, "build-"));
  try {
    await bootstrap(recipe, work);
    await addWebImage(work);
    await packDisk(recipe, work);
    renameSync(join(work, "out"), dir);
  } finally {
    await runAsRoot(["rm", "-rf", work]);
  }
}

async function bootstrap({ installed, cached, scripts }: Recipe, work: string): Promise<void> {
  const root = join(work, "root");
  const files = join(work, "files");
  // A work tree may be group-writable or belong to somebody else: sudo and sshd would refuse such files.
  await run(["cp", "-rT", join(recipeDir, "files"), files]);
  await run(["chmod", "-R", "u=rwX,go=rX", files]);
  await runAsRoot([
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--skip=cleanup/apt",
    `--include=${installed.join(",")}`,
    `--setup-hook=cp -rT --preserve=mode '${files}' "$1"`,
    ...scripts.flatMap((script) => [
      `--customize-hook=copy-in '${join(recipeDir, script)}' /tmp`,
      `--customize-hook=chroot "$1" sh /tmp/${script} ${cached.join(" ")}`,
      `--customize-hook=rm "$1"/tmp/${script}`,
    ]),
    "trixie",
    root,
    await mirror(),
  ]);
}

/** Debian's mirror as this machine's own apt is set up to use it. */
async function mirror(): Promise<string> {
  const format = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)";
  const { stdout } = await run(["apt-get", "indextargets", "--format", format, "Created-By: Packages"]);
  const line = stdout.split("\n").find((target) => target.startsWith("Debian|Debian|main|"));
  if (!line) throw new Error("apt on this machine knows no Debian mirror; run 'apt-get update' and check /etc/apt");
  return line.split("|")[3] ?? "";
}

async function addWebImage(work: string): Promise<void> {
  const busybox = join(work, "root/bin/busybox");
  const { stdout } = await run([busybox, "--list"]);
  const archive = join(work, "web.tar");
  writeFileSync(archive, webImage(readFileSync(busybox), stdout.trim().split("\n")));
  await runAsRoot(["install", "-D", "-m", "0644", archive, join(work, "root/srv/images/web.tar")]);
}

async function packDisk({ diskSize }: Recipe, work: string): Promise<void> {
  const root = join(work, "root");
  const out = join(work, "out");
  mkdirSync(out);
  const disk = join(out, "disk.raw");
  // Some of the root can be read by root only, and so the packing needs root too.
  await runAsRoot(["mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1", "-m", "0", "-d", root, disk, diskSize]);
  const boot = ["vmlinuz", "initrd.img", "srv/guest/vmlinux"];
  await runAsRoot(["cp", "-L", ...boot.map((name) => join(root, name)), out]);
  await runAsRoot(["chown", "-R", `${process.getuid?.()}:${process.getgid?.()}`, out]);
  await runAsRoot(["chmod", "0444", disk, ...boot.map((name) => join(out, basename(name)))]);
  // Older recipes' images are kept: another instance may run on one.
  rmSync(join(work, "files"), { recursive: true });
}
