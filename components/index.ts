export { ManagedHost } from "./host";
export { type Inventory, type InventoryHost, InventoryError, loadInventory, shown } from "./inventory/load";
export { type Guest, type Network, type Service, type StackOutputs, guestOf, networkOf, serviceOf, stackOutputs } from "./outputs";
export { verify } from "./verify";
