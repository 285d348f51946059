import { type HostVars } from "../../components/inventory/schema";
import { type Check, fail, missingIf, ok, warn } from "./check";
import { CONVERT } from "./convert";
import { type Facts, type Kernel, type Unread, isUnread } from "./facts";
import { judgeGuests } from "./guests";
import { judgeSubids } from "./subids";

/** The controller's clock just before and after the facts were read, in seconds. */
export interface Span {
  begun: number;
  ended: number;
}

/** All checks of a host, from its facts and what the inventory wants of it. Pure. */
export function judge(facts: Facts, wanted: HostVars, span: Span): Check[] {
  const of = <T>(topic: string, read: T | Unread, checks: (value: T) => Check[]): Check[] =>
    isUnread(read)
      ? [warn(`${topic}: it cannot be read: ${read.error}`, "Look at it on the host; this is no normal Debian.")]
      : checks(read);
  return [
    ...of("Debian", facts.system, (value) => [debian(value)]),
    ...of("network", facts.network, (value) => network(value, wanted)),
    ...of("kernel", facts.kernel, (value) => kernel(value, wanted)),
    ...(wanted.homelab_host?.hypervisor ? of("guests", facts.guests, (value) => judgeGuests(value, wanted)) : []),
    ...of("subordinate ids", facts.subids, (value) => judgeSubids(value, wanted.service_users)),
    ...of("clock", facts.clock, (value) => of("clock", facts.time, (time) => clock(value, time, span))),
    ...of("disk", facts.disk, (value) => value.map(disk)),
    ...of("names", facts.resolver, (value) => [resolver(value)]),
    ...of("apt", facts.apt, (value) => apt(value)),
  ];
}

type Read<K extends keyof Facts> = Exclude<Facts[K], Unread>;

const DEBIAN = 13;

function debian({ id, version, name }: Read<"system">): Check {
  if (id !== "debian") return fail(`${name}: it is no Debian`, `Take a host with Debian ${DEBIAN}.`);
  if (version === null || Number(version) > DEBIAN)
    return warn(`${name}: only Debian ${DEBIAN} is tried`, `Take Debian ${DEBIAN}, or be ready for surprises.`);
  if (Number(version) < DEBIAN) return fail(`${name}: Podman, systemd and libvirt are too old`, `Upgrade it to Debian ${DEBIAN}.`);
  return ok(name);
}

/** Links that come and go with guests and containers. */
const PASSING = /^(veth|vnet|tap|podman|virbr|docker)/;

function network({ networkd, NetworkManager, links, reached_by: reachedBy }: Read<"network">, { bridges, vlans }: HostVars): Check[] {
  const shown = Object.entries(links).filter(([link]) => !PASSING.test(link));
  const checks = [ok(`links: ${shown.map(([link, by]) => `${link} (${by.join(", ") || "managed by nothing"})`).join(", ") || "none"}`)];
  if (!networkd)
    checks.push(warn("systemd-networkd does not run", "Nothing to do: the first `up` starts it; what others manage stays theirs."));
  for (const { name, ports } of bridges) for (const port of ports) checks.push(portOf(name, port.name, links, reachedBy));
  if (NetworkManager && bridges.length + vlans.length > 0) {
    const ours = [...bridges, ...vlans].map((unit) => `interface-name:${unit.name}`).join(";");
    checks.push(
      warn(
        "NetworkManager runs, and takes new links for its own",
        `Write /etc/NetworkManager/conf.d/91-homelab.conf with [keyfile] and unmanaged-devices+=${ours}, then run \`nmcli general reload conf\`.`,
      ),
    );
  }
  return checks;
}

function portOf(bridge: string, port: string, links: Record<string, string[]>, reachedBy: string[]): Check {
  const managers = links[port];
  if (managers === undefined) {
    return fail(
      `${port}, a port of ${bridge}: there is no such link`,
      `Name one of ${Object.keys(links).join(", ")} as the port, or put the card in.`,
    );
  }
  if (reachedBy.includes(port)) {
    return fail(
      `${port}, a port of ${bridge}: it carries this host's own address, and a bridge would take that away`,
      "Name another card as the port: a host with VLANs has one for itself and one for them.",
    );
  }
  const others = managers.filter((manager) => CONVERT[manager] !== undefined);
  if (others.length === 0) return ok(`${port} may be a port of ${bridge}`);
  return fail(
    `${port}, a port of ${bridge}: ${others.join(" and ")} manages it`,
    others.map((manager) => CONVERT[manager]!(port)).join("\n"),
  );
}

function kernel(read: Kernel, wanted: HostVars): Check[] {
  const networks = wanted.bridges.length + wanted.vlans.length > 0;
  const podman = wanted.homelab_host?.podman ?? wanted.quadlet_units.length > 0;
  const needs: Record<string, boolean> = { bridge: networks, "8021q": networks, nf_tables: true, overlay: podman };
  const fix = read.has_modules
    ? "Install Debian's own kernel: apt install linux-image-amd64; then reboot."
    : `/lib/modules/${read.release} does not exist: reboot, so that the installed kernel runs. In a container, the host's kernel has to have it.`;
  const absent = Object.keys(read.modules).filter((name) => !read.modules[name]);
  if (read.vlan_filtering === false) absent.push("VLAN filtering of bridges");
  const missing = (needed: boolean): string[] => absent.filter((name) => (needs[name] ?? networks) === needed);
  const checks = [true, false].flatMap((needed) =>
    missing(needed).length > 0 ? [missingIf(needed, `kernel ${read.release} has no ${missing(needed).join(", ")}`, fix)] : [],
  );
  if (checks.length === 0) checks.push(ok(`kernel ${read.release}: ${Object.keys(read.modules).join(", ")}`));
  return [...checks, ...rootless(read, wanted.service_users.length > 0)];
}

const CONTROLLERS = ["cpu", "memory", "pids"];

function rootless(read: Kernel, needed: boolean): Check[] {
  const checks: Check[] = [];
  const setting = (name: string, value: string): string =>
    `echo '${name} = ${value}' >>/etc/sysctl.d/60-user-namespaces.conf and \`sysctl --system\`; look for who turned it off in /etc/sysctl.d.`;
  if (!read.user_namespaces) {
    checks.push(missingIf(needed, "user namespaces are off: no rootless container starts", setting("user.max_user_namespaces", "30000")));
  }
  if (read.unprivileged_userns_clone === 0) {
    checks.push(
      missingIf(needed, "user namespaces are root's alone: no rootless container starts", setting("kernel.unprivileged_userns_clone", "1")),
    );
  }
  const absent = CONTROLLERS.filter((name) => !(read.cgroup_controllers ?? []).includes(name));
  if (read.cgroup_controllers === null) {
    const boot =
      "Take systemd.unified_cgroup_hierarchy=0 out of the kernel's command line (/etc/default/grub, then `update-grub`), and reboot.";
    checks.push(missingIf(needed, "cgroup v2 is not used", boot));
  } else if (absent.length > 0) {
    const boot = "Take cgroup_disable= out of the kernel's command line (a Raspberry Pi needs cgroup_enable=memory), and reboot.";
    checks.push(warn(`cgroup v2 is missing ${absent.join(", ")}: limits of containers have no effect`, boot));
  }
  return checks.length > 0 ? checks : [ok("user namespaces and cgroup v2 for rootless containers")];
}

/** Seconds. From five minutes on, registries' certificates and Debian's lists may count as not valid yet, or no longer. */
const CLOCK_WARN = 10;
const CLOCK_FAIL = 300;

function clock({ synchronized, service }: Read<"clock">, time: number, { begun, ended }: Span): Check[] {
  const offset = time < begun ? time - begun : Math.max(0, time - ended);
  const seconds = Math.abs(offset);
  const text = `clock: ${seconds.toFixed(0)} s ${offset < 0 ? "behind" : "ahead of"} this machine's`;
  const follow = service === null ? "apt install systemd-timesyncd" : `it may reach no time server: systemctl status ${service}`;
  const set = `date -u -s @${Math.round(ended)} sets it now; to keep it right: ${follow}`;
  const check = seconds >= CLOCK_FAIL ? fail : warn;
  const apart = [seconds < CLOCK_WARN ? ok("clock: as this machine's") : check(text, set)];
  if (synchronized) return apart;
  return [...apart, warn(`clock: it follows no other (${service ?? "no time service is installed"})`, follow)];
}

/** MiB. Podman and libvirt with what they need are half a GiB, an image is hundreds of MiB. */
const DISK_WARN = 2048;
const DISK_FAIL = 512;

function disk({ path, free }: { path: string; free: number }): Check {
  const text = `${path}: ${free < 10240 ? `${free} MiB` : `${Math.floor(free / 1024)} GiB`} free`;
  const fix = `Make room: \`apt clean\`, \`journalctl --vacuum-size=200M\`, \`podman image prune\` as each user; du -xh ${path} tells what is large.`;
  if (free < DISK_FAIL) return fail(text, fix);
  return free < DISK_WARN ? warn(text, fix) : ok(text);
}

function resolver({ servers, name, found }: Read<"resolver">): Check {
  if (found) return ok(`names are found (${servers.join(", ") || "by systemd-resolved or another"})`);
  const for_ = "packages and images of the network are not found";
  if (servers.length === 0)
    return warn(
      `no name server is set, so ${for_}`,
      "Write `nameserver ADDRESS` into /etc/resolv.conf, or DNS= into the link's .network file.",
    );
  return warn(
    `${servers.join(", ")} does not find ${name}, so ${for_}`,
    "Right without a network; else look at /etc/resolv.conf and `getent hosts deb.debian.org`.",
  );
}

function apt({ lists, age_days: age, half_done: halfDone, missing }: Read<"apt">): Check[] {
  const checks: Check[] = [];
  if (halfDone !== "") checks.push(fail(`dpkg left something half done:\n${halfDone}`, "dpkg --configure -a"));
  if (lists === 0)
    checks.push(
      missingIf(missing.length > 0, "apt knows no packages", "apt update; when that finds nothing, look at /etc/apt/sources.list.d"),
    );
  else if (age !== null && age > 30) checks.push(warn(`apt's lists are ${age} days old`, "apt update"));
  else checks.push(ok("apt knows packages"));
  if (missing.length > 0)
    checks.push(warn(`not there yet: ${missing.join(" ")}`, "Nothing to do: `up` installs what `homelab_host` asks for."));
  else checks.push(ok("all packages of the base are installed"));
  return checks;
}
