import * as pulumi from "@pulumi/pulumi";
import { type Quadlet, type Vlan } from "@homelab/providers";
import { type InventoryHost } from "./inventory/load";

/** A VLAN of the stack. `network` is in CIDR form. */
export interface Network {
  host: string;
  name: string;
  id: number;
  bridge: string;
  address: string | undefined;
  network: string | undefined;
}

/** A service of the stack. `user` is null for a system-wide one; `urls` need the host's `address`. */
export interface Service {
  host: string;
  user: string | null;
  unit: string;
  service: string | undefined;
  urls: string[];
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

/** Whether a unit is something that runs, not an image, network or volume that it needs. */
export const isService = (unit: { name?: string }): boolean => /\.(container|pod|kube)$/.test(unit.name ?? "");

/** A Quadlet unit as other projects see it. */
export function serviceOf(host: InventoryHost, unit: Quadlet): pulumi.Output<Service> {
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
