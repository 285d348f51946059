export { ManagedHost } from "./host";
export { type Inventory, type InventoryHost, InventoryError, loadInventory, shown } from "./inventory/load";
export { type Network, type Service, type StackOutputs, networkOf, serviceOf, stackOutputs } from "./outputs";
