import { z } from "zod";
import { defineKind } from "../kind";
import { absolute, adopt, libvirtName, link, mac, mebibytes, native, size, vlanId, protect, adoptFrom } from "../patterns";

const target = z
  .string()
  .regex(/^(vd|sd|hd)[a-z]$/, "a disk's name in the guest: vda to vdz for virtio, sda to sdz for SATA, hda to hdz for IDE");
const line = z.string().regex(/^[^\u0000-\u001f\u007f-\u009f\ufeff]*$/, "one line of text, without control characters");

const disk = z
  .strictObject({
    volume: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/, "a volume as `<pool>/<name>`")
      .optional()
      .describe("one of `volumes`, as <pool>/<name>"),
    cdrom: z
      .union([z.literal(""), absolute], 'an absolute path on the host, or "" for an empty drive')
      .optional()
      .describe("a drive with this image of the host in it; an empty text is an empty drive"),
    target: target.optional().describe("vda, vdb …, and sda, sdb … for CDs, in their order by default; a volume keeps its target"),
  })
  .refine((one) => (one.volume === undefined) !== (one.cdrom === undefined), "expected one of volume and cdrom");

const networkInterface = z
  .strictObject({
    bridge: link.describe("the bridge that it is plugged into"),
    vlan: vlanId.optional().describe("its VLAN, untagged for the guest"),
    mac: mac.optional().describe("derived by default, and stable while the interface is in that VLAN"),
    model: z.enum(["virtio", "e1000e"]).default("virtio"),
    address: z
      .union([z.literal("auto"), z.ipv4("an IPv4 address such as 10.10.10.30, or auto")], "an IPv4 address such as 10.10.10.30, or auto")
      .optional()
      .describe("what it gets by DHCP: a static lease of its VLAN, whose server is this host's; auto makes one of the domain's name"),
    isolated: z.boolean().default(false).describe("it talks to ports of the bridge that are not isolated, alone"),
  })
  .refine((one) => one.address === undefined || one.vlan !== undefined, {
    path: ["address"],
    message: "it needs `vlan`, whose DHCP server hands it out",
  });

const targetsBefore = (unit: { disks: { target?: string | undefined }[]; cloud_init?: unknown }, index: number): (string | undefined)[] => [
  ...unit.disks.slice(0, index).map((disk) => disk.target),
  ...(unit.cloud_init === undefined ? [] : ["sdf"]),
];

/** How user data begins, https://cloudinit.readthedocs.io/en/latest/explanation/format.html */
export const USER_DATA = /^(#|Content-Type:)/;

// The digest is computed, never written.
const writtenCloudInit = z.strictObject({
  user_data: native
    .regex(USER_DATA, "user data as cloud-init takes it: it begins with #cloud-config, #! or Content-Type:")
    .optional()
    .describe("what cloud-init does when the guest starts first"),
  user_data_from: z.string().optional().describe("the name in the vault of user data that holds secrets"),
  network_config: native.optional().describe("DHCP on each interface by default"),
});
const cloudInit = writtenCloudInit.extend({
  user_data_digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "an HMAC-SHA-256 in hexadecimal")
    .optional()
    .describe("the vault's user data as an HMAC, which is all that is compared and kept"),
});

// A guest's SSH host key lies in files of its name, and of its name with these ends.
const guestName = libvirtName.regex(/^(?![\s\S]*\.(?:pub|seed\.json)$)/, "a name that does not end in .pub or .seed.json");

const schemaWith = <Seed extends typeof writtenCloudInit>(seed: Seed) =>
  z
    .strictObject({
      name: guestName,
      renamed_from: libvirtName.optional().describe("the name that it has so far; it keeps its UUID and all else"),
      description: line.optional(),
      memory: size.describe("what the guest has now"),
      memory_max: size.optional().describe("up to what it can have without a boot"),
      vcpus: z.int().min(1).max(512).default(1),
      vcpus_max: z.int().min(1).max(512).optional().describe("up to how many it can have without a boot"),
      cpu: z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
          "host-passthrough, host-model, maximum, or a model as `virsh cpu-models x86_64` lists it",
        )
        .optional()
        .describe("host-passthrough (a new guest's with KVM), host-model, maximum, or a model's name"),
      machine: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, "q35, pc, or one version of these, such as pc-q35-10.0")
        .default("q35")
        .describe("q35, pc, or one version of these"),
      firmware: z.enum(["bios", "uefi", "uefi-secure"]).default("bios"),
      tpm: z.boolean().optional(),
      kernel: z
        .strictObject({ kernel: absolute, initrd: absolute.optional(), cmdline: line.optional() })
        .optional()
        .describe("boot this kernel of the host's"),
      disks: z.array(disk).default([]),
      interfaces: z.array(networkInterface).default([]),
      agent: z.boolean().optional().describe("a channel for the guest agent; unchanged by default"),
      graphics: z.enum(["none", "vnc"]).optional().describe("a screen, reached from the host alone; unchanged by default"),
      cloud_init: seed
        .refine(
          (given) => given.user_data === undefined || given.user_data_from === undefined,
          "expected at most one of user_data and user_data_from",
        )
        .optional()
        .describe("a seed for cloud-init (NoCloud), with an SSH host key made on the host"),
      xml: native
        .regex(/^\s*<domain\s*\/?>(?![\s\S]*<[!?])/, "one <domain> with what is to be merged, without attributes, comments or declarations")
        .optional()
        .describe("anything else in libvirt's own words, merged into the definition"),
      autostart: z.boolean().default(true).describe("start at boot"),
      running: z.boolean().default(true),
      ready: z
        .enum(["address", "ssh", "agent", "cloud-init"])
        .default("address")
        .describe(
          "by what it is known to be ready: its addresses answer, and then its SSH server, its guest agent, or, asked by that, cloud-init",
        ),
      ready_timeout: z.int().min(1).max(3600).default(300).describe("how long it may take until then"),
      shutdown_seconds: z.int().min(1).max(3600).default(120).describe("how long a guest may take to shut down"),
      force_off: z.boolean().default(false).describe("cut it off when it takes longer"),
      snapshot: z
        .boolean()
        .default(false)
        .describe("roll it back, disks included, when it does not become ready after a restart with changes"),
      restart: z.enum(["allowed", "denied"]).default("denied"),
      adopt,
      adopt_from: adoptFrom,
      protect,
    })
    .refine((unit) => !["agent", "cloud-init"].includes(unit.ready) || unit.agent === true, {
      path: ["ready"],
      message: "it needs `agent: true`",
    })
    .refine((unit) => unit.renamed_from === undefined || unit.interfaces.every(({ address }) => address !== "auto"), {
      path: ["renamed_from"],
      message: "expected fixed addresses: auto derives them from the name",
    })
    .refine((unit) => unit.ready !== "ssh" || unit.interfaces.some(({ address }) => address !== undefined), {
      path: ["ready"],
      message: "ssh needs an interface with an address",
    })
    .refine((unit) => mebibytes(unit.memory) <= mebibytes(unit.memory_max ?? unit.memory), {
      path: ["memory"],
      message: "expected at most memory_max",
    })
    .refine((unit) => unit.disks.every(({ target }, index) => target === undefined || !targetsBefore(unit, index).includes(target)), {
      path: ["disks"],
      message: "each disk has a target of its own; sdf is the seed's with cloud_init",
    })
    .refine((unit) => unit.vcpus <= (unit.vcpus_max ?? unit.vcpus), { path: ["vcpus"], message: "expected at most vcpus_max" });

const schema = schemaWith(cloudInit);

export type DomainSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type DomainArgs = z.input<typeof schema>;

export const domain = defineKind({
  name: "domain",
  list: "domains",
  label: "domains",
  description: "A virtual machine, https://libvirt.org/formatdomain.html",
  schema,
  inventorySchema: schemaWith(writtenCloudInit),
  nameOf: (spec: DomainSpec): string => spec.name,
  renamed: { start_seconds: "ready_timeout" },
  formerNameOf: (spec) => spec["renamed_from"],
  disruption: {
    name: "another resource",
    renamed_from: "restart",
    description: "live",
    memory: "live up to memory_max, else next-boot",
    memory_max: "next-boot",
    vcpus: "live when more, up to vcpus_max, else next-boot",
    vcpus_max: "next-boot",
    cpu: "next-boot",
    machine: "replace",
    firmware: "replace",
    tpm: "next-boot",
    kernel: "next-boot",
    disks: "live where the bus allows it, else next-boot",
    interfaces: "live; next-boot for another model",
    agent: "next-boot",
    graphics: "next-boot",
    cloud_init: "next-boot",
    xml: "next-boot",
    autostart: "live",
    running: "restart",
    ready: "live",
    ready_timeout: "live",
    shutdown_seconds: "live",
    force_off: "live",
    snapshot: "live",
    restart: "–",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
