import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

/** Whether the inventory's `retired_hosts` names a host: it is gone for good, and what was on it with it. */
export function isRetired(inventory: string, host: string): boolean {
  const file = join(resolve(inventory), "group_vars", "all.yml");
  if (!existsSync(file)) return false;
  const { retired_hosts: retired } = (parse(readFileSync(file, "utf8")) ?? {}) as { retired_hosts?: unknown };
  return Array.isArray(retired) && retired.includes(host);
}
