/** What ansible/module_utils/homelab/observe/doctor.py reads on a host; a topic that could not be read has the reason. */
export interface Facts {
  time: number | Unread;
  system: { id: string; version: string | null; name: string } | Unread;
  network: { networkd: boolean; NetworkManager: boolean; links: Record<string, string[]>; reached_by: string[] } | Unread;
  kernel: Kernel | Unread;
  guests: Guests | Unread;
  /** Name, first id, count. */
  subids: Record<"subuid" | "subgid", SubidRange[]> | Unread;
  clock: { synchronized: boolean; service: string | null } | Unread;
  /** Free MiB. */
  disk: { path: string; free: number }[] | Unread;
  resolver: { servers: string[]; name: string; found: boolean } | Unread;
  apt: { lists: number; age_days: number | null; half_done: string; missing: string[] } | Unread;
}

export interface Unread {
  error: string;
}

export interface Kernel {
  release: string;
  has_modules: boolean;
  modules: Record<string, boolean>;
  vlan_filtering: boolean | null;
  user_namespaces: number | null;
  unprivileged_userns_clone: number | null;
  cgroup_controllers: string[] | null;
}

/** `mode` and `group` are those of /dev/kvm; memory, and the size of the file systems that pools lie on, in MiB. */
export interface Guests {
  device: boolean;
  mode: number;
  group: string | null;
  flag: string | null;
  memory: number;
  pools: Record<string, number>;
}

export type SubidRange = [name: string, start: number, count: number];

export const isUnread = (value: unknown): value is Unread => typeof value === "object" && value !== null && "error" in value;
