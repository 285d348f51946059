export { checkInventory } from "./ansible/check";
export { type Event, type Recap, type ResourceResult, type Run } from "./ansible/run";
export { playbookFromStdin, playbookRequest } from "./ansible/user-playbook";
export { ansibleVault, viewVault } from "./ansible/vault";
export { UserError } from "./errors";
export * from "./kinds";
export { idOf, lifecycle } from "./lifecycle";
export { digestOf } from "./podman-secret/digest";
export { HostResource, type ResourceArgs, type Target } from "./resource";
