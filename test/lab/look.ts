// What tests look at on the lab's machines.
import { labInstance as lab } from "./lab";
import { type HostName } from "./paths";
import { sleep } from "./run";

/** What a command prints, run by root. */
export async function text(host: HostName, command: string): Promise<string> {
  return (await lab.ssh(host, command, { sudo: true })).stdout;
}

/** A page as a machine gets it; `prefix` goes before the command. Throws with "timed out" when nothing answers in 5 s. */
export function page(host: HostName, url: string, prefix = ""): Promise<string> {
  return text(
    host,
    `${prefix}python3 -c 'import sys,urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())' ${url}`,
  );
}

/** The same page of somebody who may not answer yet; throws as `page` does when nothing answered for so long. */
export async function pageWithin(seconds: number, host: HostName, url: string): Promise<string> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await page(host, url);
    } catch (error) {
      if (Date.now() > end) throw error;
      // Asking takes an emulated host seconds, in which it could boot.
      await sleep(10_000);
    }
  }
}

/** When a user's services were started: a line for each, `<service> <microseconds since boot>`. */
export function started(host: HostName, user: string): Promise<string> {
  const lines = 'awk -F= \'$1=="Id"{id=$2} $1=="ExecMainStartTimestampMonotonic"{at=$2} id&&at{print id,at; id=at=""}\' | sort';
  return text(host, `systemctl --user -M ${user}@ show -p Id,ExecMainStartTimestampMonotonic '*.service' | ${lines}`);
}

/** What a takeover or an unrelated change must not touch: file times and inodes, rules with their handles, start times. */
export async function traces(host: HostName): Promise<string> {
  const folders =
    "/etc/systemd /etc/homelab /etc/containers /etc/subuid /etc/subgid /etc/passwd /var/lib/homelab /var/lib/systemd/linger /home";
  const files = `find ${folders} -xdev -type f -not -path '*/.local/*' -printf '%p %T@ %i\\n' | sort`;
  const links = "ip -o link | grep -v veth | sort";
  return (await text(host, `${files}; nft -a list ruleset; ${links}`)) + (await started(host, host === "hv" ? "web" : "notes"));
}

/** All of a host that a preview could change; a line each. */
const EVERYTHING = [
  // First: asking starts a libvirt that has nothing to do, which writes its folders anew. One with a guest that runs stays.
  "cd /; if command -v virsh >/dev/null; then virsh -q list --all; fi",
  // Files with their times.
  "find / -xdev ! -path /run ! -path '/var/log/*' ! -path '/tmp*' ! -path '/var/tmp*' ! -path '/home/operator*' ! -path '/var/lib/systemd/t*' " +
    // Leases are renewed meanwhile.
    "! -path '/var/lib/systemd/network/dhcp-server-lease*' " +
    "-printf '%p %y %s %m %U %G %C@\\n' | sort",
  "nft -s list ruleset; ip -o link | cut -d' ' -f2-; ip -o addr | sed 's, dynamic,,; s, *valid_lft.*,,'; bridge vlan",
  "grep . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding",
  "systemctl list-units --no-legend --plain '*.service' '*.socket' | grep -Ev 'session|user@|systemd-(hostnamed|timedated|localed|tmpfiles)'",
  // Those of each service user; asked so, its systemd starts nothing to answer.
  "for user in $(ls /var/lib/systemd/linger | grep -vx operator); do runuser -u $user -- env XDG_RUNTIME_DIR=/run/user/$(id -u $user) " +
    "systemctl --user list-units --no-legend --plain '*.service' '*.socket'; done",
  "dpkg -l",
].join("; ");

/** Notes how hosts are; what the function that it gives returns is how each differs from that. */
export async function differencesOf(...hosts: HostName[]): Promise<() => Promise<string[]>> {
  for (const host of hosts) await text(host, `{ ${EVERYTHING}; } > /tmp/before`);
  return () => Promise.all(hosts.map((host) => text(host, `{ ${EVERYTHING}; } | diff /tmp/before - || true`)));
}

/** What some work gives that changes nothing on these hosts. */
export async function unchanging<T>(hosts: HostName[], work: () => Promise<T>): Promise<T> {
  const differences = await differencesOf(...hosts);
  const given = await work();
  expect(await differences()).toEqual(hosts.map(() => ""));
  return given;
}

/** What our configuration changes on a host, packages aside. */
export function footprint(host: HostName): Promise<string> {
  return text(
    host,
    "ip -o link | cut -d' ' -f2- | sed 's, qdisc [^ ]*,,' | sort; md5sum /etc/systemd/network/* /etc/subuid; find / -xdev -name '*homelab*' -not -path '/run/*'; " +
      "cat /proc/sys/net/ipv4/ip_forward; ls /var/lib/systemd/linger; systemctl is-enabled systemd-networkd systemd-networkd-wait-online; " +
      "ls -d /etc/systemd/system/multi-user.target.wants/network-online.target 2>&1; true",
  );
}

const OF_OTHERS = [
  "nft 'add table inet theirs { chain c { tcp dport 9 counter; }; }'",
  "useradd -m theirs",
  "ip link add br9 type bridge",
  "mkdir -p /etc/containers/systemd && printf '[Container]\\nImage=none\\n' >/etc/containers/systemd/theirs.container",
];

/** Makes a table, a user, a bridge and a unit on hv that are not ours. */
export async function makeForeign(): Promise<void> {
  for (const command of OF_OTHERS) await text("hv", command);
}

/** Removes those. */
export async function removeForeign(): Promise<void> {
  await text("hv", "nft delete table inet theirs; userdel -r theirs; ip link del br9; rm /etc/containers/systemd/theirs.container");
}

/** Those, as they are now. */
export function foreign(): Promise<string> {
  return text(
    "hv",
    "nft -s list table inet theirs; id theirs; ip -o link show br9; stat -c '%n %i %Y' /etc/containers/systemd/theirs.container; cat /etc/containers/systemd/theirs.container",
  );
}

/** Where a host's journal ends now. */
export const now = async (host: HostName): Promise<string> => (await text(host, "journalctl -q -n 0 --show-cursor | cut -d' ' -f3")).trim();

const count = async (host: HostName, since: string, pattern: string): Promise<number> =>
  Number(await text(host, `journalctl -q -o cat --after-cursor='${since}' | grep -cE '${pattern}' || true`));

/** How often somebody logged in since then. */
export const loginsSince = (host: HostName, since: string): Promise<number> => count(host, since, "^Accepted publickey");

/** Commands that sudo(8) ran since then, as it tells the journal; the pattern must not match itself. */
export const commandsSince = (host: HostName, since: string, pattern: string): Promise<number> =>
  count(host, since, `COMMAND=.*${pattern}`);
