export { ManagedHost } from "./host";
export { type Inventory, type InventoryHost, InventoryError, loadInventory, shown } from "./inventory/load";
export { type Network, type Service } from "./outputs";
