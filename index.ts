import * as pulumi from "@pulumi/pulumi";
import { type Guest, ManagedHost, type Network, type Service, loadInventory, shown, verify } from "./components";

// Where the inventory lies, relative to the project: `homelab:inventory`, or ansible/inventory/<stack>.
const config = new pulumi.Config("homelab");
const folder = config.get("inventory") ?? `ansible/inventory/${pulumi.getStack()}`;
const inventory = loadInventory(folder);
for (const warning of inventory.warnings) void pulumi.log.warn(shown(warning));
const place = { inventory: folder, owner: inventory.owner };

const direct = inventory.hosts.filter((host) => !host.guest).map((host) => new ManagedHost(host, place, []));
// A guest is reached through a network that the others make.
const networks = direct.flatMap((host) => host.network);
// One that is a virtual machine of theirs waits for that, too.
const machineOf = (name: string) => direct.flatMap((host) => host.machines.get(name) ?? []);
const guests = inventory.hosts
  .filter((host) => host.guest)
  .map((host) => new ManagedHost(host, place, [...networks, ...machineOf(host.name)]));

verify(folder, [...direct, ...guests]);

/** The names of all hosts. */
export const hosts: string[] = inventory.hosts.map(({ name }) => name);

/** Every VLAN with its network. */
export const vlans: pulumi.Output<Network[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.networks));

/** Every virtual machine with its addresses. */
export const domains: pulumi.Output<Guest[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.guests));

/** Every Quadlet unit with its service and the URLs under which it answers. */
export const services: pulumi.Output<Service[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.services));
