// How a host stands: what a rollback restores, that nothing waits for it, and that it does its work.
import { footprint, page, text } from "./look";
import { type HostName } from "./paths";

/** Rules, links, files and records of a host, all that a rollback restores. */
export const standing = async (host: HostName): Promise<string> =>
  (await footprint(host)) +
  (await text(
    host,
    "nft -s list ruleset; bridge vlan; ip -o -4 address | sed 's,^[0-9]*: ,,; s, *valid_lft.*,,' | sort; md5sum /etc/homelab/nftables/*/*",
  )) +
  (await text(host, "find /var/lib/homelab -name '*.json' -not -path '*/.rollback/*' | sort | xargs md5sum"));

/** hv is as it was, and nothing waits to be put back. */
export async function expectAsBefore(before: string): Promise<void> {
  expect(await standing("hv")).toBe(before);
  expect(await text("hv", "systemctl is-active homelab-rollback.timer; ls /var/lib/homelab/.rollback")).toBe("inactive\noutcome.json\n");
}

/** hv's page answers, its bridge keeps VLANs apart, and it forwards. */
export async function expectAtWork(): Promise<void> {
  expect(await page("hv", "http://10.10.10.1:8080/")).toContain("Hello from hv");
  expect(await text("hv", "cat /sys/class/net/br0/bridge/vlan_filtering /proc/sys/net/ipv4/ip_forward")).toBe("1\n1\n");
}

/** A rule of hv's own; what a test puts before it comes first. */
export const RULE = 'iifname "iot" drop comment';
