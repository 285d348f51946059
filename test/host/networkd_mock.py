"""A mock of systemd-networkd and ip(8): links that a reload makes as the files in its folder say."""

import copy

import writers  # noqa: F401 - it lets Ansible find what the next line names

from ansible.module_utils.homelab.observe import bridge, dhcp_leases, networkd, vlan


def said(*paths):
    """The values of files by `Section/Key`, each with those of its repetitions; a [BridgeVLAN] is one value."""
    found, section = {}, ""
    for line in "\n".join(path.read_text() for path in paths).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            if section == "BridgeVLAN":
                found.setdefault(section, []).append({})
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            if section == "BridgeVLAN":
                found[section][-1][key] = value
            else:
                found.setdefault(f"{section}/{key}", []).append(value)
    return found


def link(name, kind=None, **more):
    """A link that is up."""
    plain = {"mac": "", "mtu": 1500, "master": None, "parent": None, "data": {}, "addresses": [], "reachable": False, "vlans": {}}
    return networkd.Link(**{"name": name, "up": True, "carrier": True, "kind": kind, **plain, **more})


class Networkd:
    """As networkd does, it gives a link that is there other settings, but no other kind, id or parent. `deleted` are those that went."""

    def __init__(self, monkeypatch, machine, folder):
        self.folder, self.links, self.deleted = folder, {}, []
        folder.mkdir()
        for one in (networkd, bridge, vlan, dhcp_leases):
            monkeypatch.setattr(one, "FOLDER", folder)
        monkeypatch.setattr(networkd, "read_links", lambda: copy.deepcopy(self.links))
        # A host that never holds what is wanted is waited for no longer than this.
        monkeypatch.setattr("ansible.module_utils.homelab.apply.networkd.PATIENCE_SECONDS", 0.5)
        machine.programs |= {"networkctl": self.networkctl, "ip": self.ip}

    def networkctl(self, argv, _stdin):
        if argv[1] == "delete":
            self.deleted.append(argv[2])
            del self.links[argv[2]]
        else:
            self.configure()

    def ip(self, argv, _stdin):
        if argv[1:4] == ["link", "set", "dev"]:
            self.links[argv[4]].data[argv[-2]] = int(argv[-1])
        elif argv[-1] == "nomaster":
            self.links[argv[3]].master, self.links[argv[3]].vlans = None, {}
        elif argv[1:3] == ["link", "set"]:
            self.links[argv[3]].up = argv[4] == "up"

    def configure(self):
        """What a reload does."""
        for path in sorted(self.folder.glob("*.netdev")):
            has = said(path)
            name, kind = has["NetDev/Name"][0], has["NetDev/Kind"][0]
            data = {"id": int(has.get("VLAN/Id", ["0"])[0])} if kind == "vlan" else {"vlan_filtering": 1, "stp_state": 0}
            if kind == "bridge" and has["Bridge/STP"] == ["yes"]:
                data["stp_state"] = 1
            self.links.setdefault(name, link(name, kind, data=data))
        for path in sorted(self.folder.glob("*.network")):
            has = said(path, *sorted((self.folder / f"{path.name}.d").glob("*.conf")))
            if one := self.links.get(has["Match/Name"][0]):
                self.set_up(one, has)

    def set_up(self, one, has):
        one.up, one.mtu, one.addresses = True, int(has["Link/MTUBytes"][0]), has.get("Network/Address", [])
        one.master = has.get("Network/Bridge", [None])[0]
        one.vlans = {}
        for wanted in has.get("BridgeVLAN", []):
            untagged = "PVID" in wanted
            one.vlans[int(wanted["PVID" if untagged else "VLAN"])] = ["Egress Untagged", "PVID"] if untagged else []
        for name in has.get("Network/VLAN", []):
            self.links[name].parent = self.links[name].parent or one.name
