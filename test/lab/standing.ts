// What a way back of a host puts back, and that nothing waits for it.
import { footprint, text } from "./look";
import { type HostName } from "./paths";

/** Rules, links, files and records of a host, all that a way back puts back. */
export const standing = async (host: HostName): Promise<string> =>
  (await footprint(host)) +
  (await text(
    host,
    "nft -s list ruleset; bridge vlan; ip -o -4 address | sed 's,^[0-9]*: ,,; s, *valid_lft.*,,' | sort; md5sum /etc/homelab/nftables/*/*",
  )) +
  (await text(host, "find /var/lib/homelab -name '*.json' -not -path '*/.way-back/*' | sort | xargs md5sum"));

/** hv is as it was, and nothing waits to be put back. */
export async function expectAsBefore(before: string): Promise<void> {
  expect(await standing("hv")).toBe(before);
  expect(await text("hv", "systemctl is-active homelab-way-back.timer; ls /var/lib/homelab/.way-back")).toBe("inactive\noutcome.json\n");
}

/** A rule of hv's own; what a test puts before it comes first. */
export const RULE = 'iifname "iot" drop comment';
