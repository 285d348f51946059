import * as pulumi from "@pulumi/pulumi";
import { type Guest, ManagedHost, type Network, type Service, loadInventory, shown, verify } from "./components";

// The inventory's folder, relative to the project: `homelab:inventory`, or ansible/inventory/<stack>.
const config = new pulumi.Config("homelab");
const folder = config.get("inventory") ?? `ansible/inventory/${pulumi.getStack()}`;
const inventory = loadInventory(folder);
for (const warning of inventory.warnings) void pulumi.log.warn(shown(warning));
const target = { inventory: folder, owner: inventory.owner };

const direct = inventory.hosts.filter((host) => !host.guest).map((host) => new ManagedHost(host.name, { ...target, config: host }));
// A guest is reached through a network of the other hosts, and may be a machine of theirs.
const networks = direct.flatMap((host) => host.network);
const machineOf = (name: string) => direct.flatMap((host) => host.machines.get(name) ?? []);
const guests = inventory.hosts
  .filter((host) => host.guest)
  .map((host) => new ManagedHost(host.name, { ...target, config: host }, { dependsOn: [...networks, ...machineOf(host.name)] }));

verify(folder, [...direct, ...guests]);

/** The names of all hosts. */
export const hosts: string[] = inventory.hosts.map(({ name }) => name);

/** Every VLAN with its network. */
export const vlans: pulumi.Output<Network[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.networks));

/** Every virtual machine with its addresses. */
export const domains: pulumi.Output<Guest[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.guests));

/** Every Quadlet unit with its service and the URLs under which it answers. */
export const services: pulumi.Output<Service[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.services));
