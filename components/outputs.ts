import * as pulumi from "@pulumi/pulumi";
import { type Domain, type QuadletUnit, UserError, type Vlan } from "@homelab/providers";
import { z } from "zod";
import { type InventoryHost } from "./inventory/load";

const network = z.object({
  host: z.string(),
  name: z.string(),
  id: z.int(),
  bridge: z.string(),
  address: z.string().optional(),
  network: z.string().optional(),
});

const service = z.object({
  host: z.string(),
  user: z.string().nullable().default(null),
  unit: z.string(),
  service: z.string().optional(),
  urls: z.array(z.string()),
});

const domain = z.object({
  host: z.string(),
  name: z.string(),
  uuid: z.string().optional(),
  addresses: z.array(z.string()),
});

/** A VLAN of the stack. `address` is the host's, with its prefix; `network` is in CIDR form. */
export type Network = z.infer<typeof network>;

/** A service of the stack. `user` is null for a system-wide one; `urls` need the host's `address`. */
export type Service = z.infer<typeof service>;

/** A virtual machine of the stack, on this host. */
export type Guest = z.infer<typeof domain>;

const outputs = z.object({
  hosts: z.array(z.string()),
  vlans: z.array(network),
  services: z.array(service),
  domains: z.array(domain).default([]),
});

/** The outputs of a stack of this project, for other projects. */
export type StackOutputs = z.infer<typeof outputs>;

/**
 * The outputs of a stack of this project, with their types. What a newer version tells besides is left out. It fails
 * when the stack was not brought up yet, or by a version with other outputs.
 */
export function stackOutputs(stack: pulumi.StackReference): { [Name in keyof StackOutputs]: pulumi.Output<StackOutputs[Name]> } {
  // By name: all outputs together are secret when any is.
  const names = Object.keys(outputs.shape) as (keyof StackOutputs)[];
  const values = pulumi.all(names.map((name) => stack.getOutput(name)));
  const all = pulumi
    .all([stack.name, values])
    .apply(([name, found]) =>
      outputsIn(name, Object.fromEntries(names.map((one, index) => [one, found[index]])) as { [Name in keyof StackOutputs]: unknown }),
    );
  return { hosts: all.hosts, vlans: all.vlans, services: all.services, domains: all.domains };
}

/** The outputs of the stack of that name. Throws one error with what is wrong with them, and what to do. */
export function outputsIn(stack: string, values: { [Name in keyof StackOutputs]: unknown }): StackOutputs {
  // Lists that an older version did not have are empty.
  const needed = Object.entries(values).filter(([name]) => name !== "domains");
  const missing = needed.flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length > 0) throw new UserError(`stack ${stack} has no output ${missing.join(", ")}: run "pulumi up" there first`);
  const parsed = outputs.safeParse(values);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`);
  const todo = 'another version of homelab made them; run "pulumi up" there with the version that this project uses';
  throw new UserError(`stack ${stack} has outputs of another form: ${todo}\n${wrong.join("\n")}`);
}

/** A VLAN as other projects see it. */
export function networkOf(host: string, vlan: Vlan): pulumi.Output<Network> {
  return pulumi.all([vlan.unit, vlan.facts]).apply(([{ name, id, bridge, address }, facts]) => ({
    host,
    name,
    id,
    bridge,
    address,
    network: facts?.network,
  }));
}

/** A virtual machine as other projects see it. */
export function guestOf(host: string, of: Domain): pulumi.Output<Guest> {
  return pulumi.all([of.unit, of.facts]).apply(([{ name, interfaces }, facts]) => ({
    host,
    name,
    uuid: facts?.uuid,
    addresses:
      facts?.addresses ?? (interfaces ?? []).flatMap(({ address }) => (address === undefined || address === "auto" ? [] : [address])),
  }));
}

/** Whether a unit is something that runs, not an image, network or volume that it needs. */
export const isService = (unit: { name?: string }): boolean => /\.(container|pod|kube)$/.test(unit.name ?? "");

/** A Quadlet unit as other projects see it. */
export function serviceOf(host: InventoryHost, unit: QuadletUnit): pulumi.Output<Service> {
  return pulumi.all([unit.unit, unit.facts]).apply(([config, facts]) => ({
    host: host.name,
    user: config.user ?? null,
    unit: config.name ?? "",
    service: facts?.service,
    urls: urlsOf(host.homelab_host?.address, facts?.ports ?? []),
  }));
}

interface Port {
  host_ip: string;
  host_port: string | number;
  protocol: string;
}

/**
 * URLs of published TCP ports, at the host's address or at the one that a port is bound to; https for the ports
 * that end in 443, as is the custom. Ranges and loopback have none.
 */
export function urlsOf(address: string | undefined, ports: Port[]): string[] {
  return ports.flatMap(({ protocol, host_ip, host_port }) => {
    const bound = !["", "0.0.0.0", "[::]"].includes(host_ip);
    const host = bound ? host_ip : address;
    if (protocol !== "tcp" || host === undefined || /^(127\.|\[::1\])/.test(host_ip) || !/^\d+$/.test(String(host_port))) return [];
    return [`${String(host_port).endsWith("443") ? "https" : "http"}://${host}:${host_port}/`];
  });
}
