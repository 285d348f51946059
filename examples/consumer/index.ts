import * as pulumi from "@pulumi/pulumi";
import { ManagedHost, type Service, loadInventory, serviceOf, shown, stackOutputs, verify } from "@homelab/components";
import { QuadletUnit } from "@homelab/providers";
import { startPage } from "./page";

const config = new pulumi.Config();
const network = config.get("network") ?? "apps";
const other = stackOutputs(new pulumi.StackReference(config.require("producer")));

// What stands in the inventory: this project's owner and user, on a host whose base is the other stack's.
const inventory = loadInventory("inventory");
for (const warning of inventory.warnings) void pulumi.log.warn(shown(warning));
const host = inventory.hosts[0]!;
const target = { inventory: "inventory", owner: inventory.owner };
const managed = new ManagedHost(host.name, { ...target, config: host });

// What is made of the other stack's outputs, so that a change of those is a change here.
const user = host.service_users[0]!.name;
const unit = pulumi.all([other.services, other.vlans]).apply(([services, vlans]) => startPage(user, services, vlans, network));
const id = `${host.name}/quadlet-unit/${user}/start.container`;
const page = new QuadletUnit(id, { ...target, host: host.name, unit }, { dependsOn: [managed] });
// A preview asks the host about what stands in the inventory.
verify("inventory", [managed], { [id]: page });

/** The start page with its URL. */
export const services: pulumi.Output<Service[]> = pulumi.all([...managed.services, serviceOf(host, page)]);
