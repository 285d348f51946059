import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, protect, adoptFrom } from "../patterns";

const key = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_:-]+)+$/, "a kernel parameter such as net.ipv4.ip_unprivileged_port_start, sysctl.d(5)")
  .regex(/^(?!net[./]ipv4[./]ip_forward$)/, "another parameter: set `forwarding` in homelab_host instead");

const value = z.union([z.number(), z.string().regex(/^[!-~]+(?:[ \t]+[!-~]+)*$/, "one line of printable characters")], {
  error: "a number, or one line of printable characters",
});

const schema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a name of lower-case letters, digits and -, at most 63")
    .describe("the name of its file in /etc/sysctl.d"),
  settings: z.record(key, value).describe("kernel parameters with their values"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type SysctlSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type SysctlArgs = z.input<typeof schema>;

export const sysctl = defineKind({
  name: "sysctl",
  list: "sysctls",
  label: "kernel parameters",
  description: "Kernel parameters, as a file of sysctl.d(5) that is applied at once",
  schema,
  nameOf: (spec: SysctlSpec): string => spec.name,
  mayDisconnect: true,
  disruption: {
    name: "another resource",
    settings: "live",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
