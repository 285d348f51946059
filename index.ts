import * as pulumi from "@pulumi/pulumi";
import { ManagedHost, type Network, type Service, loadInventory, shown } from "./components";

// Where the inventory lies, relative to the project: `homelab:inventory`, or ansible/inventory/<stack>.
const folder = new pulumi.Config("homelab").get("inventory") ?? `ansible/inventory/${pulumi.getStack()}`;
const inventory = loadInventory(folder);
for (const warning of inventory.warnings) void pulumi.log.warn(shown(warning));
const place = { inventory: folder, owner: inventory.owner };

const direct = inventory.hosts.filter((host) => !host.guest).map((host) => new ManagedHost(host, place, []));
// A guest is reached through a network that the others make.
const networks = direct.flatMap((host) => host.network);
const guests = inventory.hosts.filter((host) => host.guest).map((host) => new ManagedHost(host, place, networks));

/** The names of all hosts. */
export const hosts: string[] = inventory.hosts.map(({ name }) => name);

/** Every VLAN with its network. */
export const vlans: pulumi.Output<Network[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.networks));

/** Every Quadlet unit with its service and the URLs under which it answers. */
export const services: pulumi.Output<Service[]> = pulumi.all([...direct, ...guests].flatMap((host) => host.services));
