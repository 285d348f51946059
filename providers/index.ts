export { viewVault } from "./ansible/vault";
export { kinds, type KindName } from "./kinds";
export { idOf, lifecycle } from "./lifecycle";
export { digestOf } from "./podman-secret/digest";
export * from "./resources";
