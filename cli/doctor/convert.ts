const CLOUD =
  "Where cloud-init wrote it, first put `network: {config: disabled}` into /etc/cloud/cloud.cfg.d/99-homelab.cfg, or it comes back at the next boot.";

/** How a link is taken from what manages it and given to systemd-networkd, one paragraph for each. A port needs no address. */
export const CONVERT: Record<string, (link: string) => string> = {
  ifupdown: (link) =>
    `Do this from the console or over another link. Run \`ifdown ${link}\`, take the stanzas of ${link} (auto, allow-hotplug, iface) out of ` +
    "/etc/network/interfaces and interfaces.d, and bring the link up with `ip link set " +
    `${link} up\`. A port of a bridge needs nothing more. A link that keeps an address gets /etc/systemd/network/20-${link}.network with ` +
    `[Match] Name=${link} and [Network] DHCP=yes or Address=, Gateway= and DNS=; then \`systemctl enable --now systemd-networkd\` and ` +
    `\`networkctl reload\`. When only lo is left, \`apt purge ifupdown\`. ${CLOUD}`,
  netplan: (link) =>
    `Do this from the console or over another link. Take ${link} out of /etc/netplan/*.yaml, then \`netplan generate\` and ` +
    "`networkctl reload`; `netplan try` takes a change back by itself when you do not confirm it. To leave netplan as a whole, copy what it made: " +
    "`cp /run/systemd/network/10-netplan-* /etc/systemd/network/`, move /etc/netplan/*.yaml away, `systemctl enable systemd-networkd` and " +
    `\`networkctl reload\`. ${CLOUD}`,
  NetworkManager: (link) =>
    "Do this from the console or over another link. Write /etc/NetworkManager/conf.d/90-homelab.conf with [keyfile] and " +
    `unmanaged-devices=interface-name:${link}, run \`nmcli general reload conf\`, and delete its profile: \`nmcli connection show\`, ` +
    "`nmcli connection delete NAME`. A port of a bridge needs nothing more. To leave NetworkManager as a whole, write " +
    "/etc/systemd/network/20-LINK.network for each link that has an address (`nmcli device show` tells them), then " +
    "`systemctl disable --now NetworkManager` and `systemctl enable --now systemd-networkd`.",
};
