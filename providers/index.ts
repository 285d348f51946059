export { kinds, type KindName } from "./kinds";
export { idOf, lifecycle } from "./lifecycle";
export * from "./resources";
