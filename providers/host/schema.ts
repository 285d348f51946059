import { z } from "zod";
import { defineKind } from "../kind";
import { adopt, protect, adoptFrom } from "../patterns";

// The host of a URL, RFC 3986.
const address = z
  .string()
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/,
    "a host's name, an IPv4 address, or an IPv6 address in brackets",
  );

const schema = z.strictObject({
  podman: z.boolean().default(true).describe("install what rootless Podman needs"),
  hypervisor: z.boolean().default(false).describe("install libvirt and QEMU"),
  forwarding: z.boolean().default(false).describe("forward IPv4 between interfaces, after the rules are loaded"),
  packages: z
    .array(
      z.string().regex(/^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$/, "a Debian package's name: a-z, digits, + . -, not beginning or ending with -"),
    )
    .default([])
    .describe("more Debian packages"),
  confirm: z
    .array(
      z
        .string()
        .regex(
          /^(?:ping [0-9A-Fa-f:][0-9A-Fa-f.:]*|resolve [A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|tcp (?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4})$/,
          "ping <address>, resolve <name> or tcp <host>:<port>",
        ),
    )
    .default([])
    .describe("what has to work after a change of network or rules, beside a new login, if it worked before"),
  readers: z
    .array(
      z.strictObject({
        key: z
          .string()
          .regex(
            /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]{40,1000}={0,2}(?: [A-Za-z0-9@._+-]{1,100})?$/,
            "a public SSH key in one line, as ssh-keygen writes it",
          ),
        guests: z
          .array(
            z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:[1-9][0-9]{0,4}$/, "<address>:<port> of a guest's SSH server"),
          )
          .default([])
          .describe("guests that this key may look at through this host"),
      }),
    )
    .default([])
    .describe("keys that can only look: for previews, refreshes, status, undeclared and doctor"),
  address: address.optional().describe("where this host's services are reached; used in URLs"),
  adopt,
  adopt_from: adoptFrom,
  protect,
});

export type HostSpec = z.infer<typeof schema>;

/** The same as a user writes it: defaults may be left out. */
export type HostArgs = z.input<typeof schema>;

export const host = defineKind({
  name: "host",
  list: "homelab_host",
  label: "the base of the host",
  description: "The base of a host: packages, networkd, rules at boot, forwarding. There is one per host",
  schema,
  nameOf: (): string => "host",
  single: true,
  disruption: {
    podman: "live",
    hypervisor: "live",
    forwarding: "live",
    packages: "live",
    confirm: "live",
    readers: "live",
    address: "– (used in outputs)",
    adopt: "–",
    adopt_from: "–",
    protect: "live",
  },
});
