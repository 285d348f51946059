import { z } from "zod";
import { absolute, libvirtName, link, size } from "../text";

const target = z.string().regex(/^(vd|sd)[a-z]$/, "a disk's name in the guest: vda to vdz for virtio, sda to sdz for SATA");
const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'a MAC address in lower case and quotes, such as "52:54:00:00:00:0a"');
const line = z.string().regex(/^[^\u0000-\u001f\u007f-\u009f\ufeff]*$/, "one line of text, without control characters");

const disk = z.strictObject({
  volume: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/, "a volume as `<pool>/<name>`")
    .describe("one of `volumes`, as <pool>/<name>"),
  target: target.optional().describe("vda, vdb … in their order unless said"),
});

const networkInterface = z.strictObject({
  bridge: link.describe("the bridge that it is plugged into"),
  vlan: z
    .int()
    .min(1, "a VLAN id is 1 to 4094")
    .max(4094, "a VLAN id is 1 to 4094")
    .optional()
    .describe("its VLAN, untagged for the guest"),
  mac: mac.optional().describe("made of the domain's name unless said"),
  model: z.enum(["virtio", "e1000e"]).default("virtio"),
  isolated: z.boolean().default(false).describe("it talks to ports of the bridge that are not isolated, alone"),
});

/** A virtual machine, https://libvirt.org/formatdomain.html. */
export const schema = z
  .strictObject({
    name: libvirtName,
    description: line.optional(),
    memory: size.describe("what the guest has now"),
    memory_max: size.optional().describe("up to what it can have without a boot"),
    vcpus: z.int().min(1).max(512).default(1),
    vcpus_max: z.int().min(1).max(512).optional().describe("up to how many it can have without a boot"),
    cpu: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/)
      .optional()
      .describe("host-passthrough, host-model, maximum, or a model's name"),
    machine: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)
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
    agent: z.boolean().optional().describe("a channel for the guest agent; left as it is unless said"),
    graphics: z.enum(["none", "vnc"]).optional().describe("a screen, reached from the host alone; left as it is unless said"),
    autostart: z.boolean().default(true).describe("start at boot"),
    running: z.boolean().default(true),
    shutdown_seconds: z.int().min(1).max(3600).default(120).describe("how long a guest may take to shut down"),
    restart: z.enum(["allowed", "denied"]).default("denied"),
    adopt: z.boolean().optional().describe("take over a domain of this name that bears nobody's mark"),
  })
  .refine((unit) => unit.vcpus <= (unit.vcpus_max ?? unit.vcpus), { path: ["vcpus"], message: "at most vcpus_max" });

export type DomainUnit = z.infer<typeof schema>;

/** What a user writes: defaults may be left out. */
export type DomainUnitArgs = z.input<typeof schema>;

/** The unit's name within its host. */
export const nameOf = (unit: DomainUnit): string => unit.name;
