"""A mock of libvirt's Python binding: one domain, which notes what is done to it, and pools."""

import copy
import time

import writers  # noqa: F401 - it lets Ansible find what the next line names

from ansible.module_utils.homelab.observe import libvirt_host
from ansible.module_utils.homelab.observe.domain import definition

# virDomainXMLFlags.
INACTIVE = 2


class LibvirtError(Exception):
    """What the binding raises; by its code a thing of one kind is not there."""

    def __init__(self, code=42):
        super().__init__(f"error {code}")
        self.code = code

    def get_error_code(self):
        return self.code


class Library:
    """The binding itself; what its flags are does not matter, but for one."""

    libvirtError = LibvirtError
    VIR_DOMAIN_XML_INACTIVE = INACTIVE

    def __getattr__(self, name):
        return 0


class Snapshot:
    """What a domain's disks were at a time."""

    def __init__(self, domain, name, description, made=0):
        self.domain, self.name, self.description, self.made = domain, name, description, made

    def getName(self):
        return self.name

    def getXMLDesc(self):
        description = f"<description>{self.description}</description>" if self.description else ""
        return f"<domainsnapshot><name>{self.name}</name>{description}<creationTime>{int(self.made)}</creationTime></domainsnapshot>"

    def delete(self):
        self.domain.snapshots.remove(self)


class Domain:
    """A domain that takes every call; `calls` are the names of those that change it."""

    def __init__(self, root, runs):
        self.root, self.live, self.starts, self.calls, self.starts_at_boot = root, None, 1, [], 1
        self.snapshots = []
        if runs:
            self._begin()

    def _begin(self):
        self.live = copy.deepcopy(self.root)
        self.live.set("id", str(self.starts))
        self.starts += 1

    def XMLDesc(self, flags=0):
        return definition.render(self.live if self.live is not None and not flags & INACTIVE else self.root)

    def isActive(self):
        return self.live is not None

    def state(self):
        return (1, 1) if self.isActive() else (5, 0)

    def name(self):
        return self.root.findtext("name")

    def UUIDString(self):
        return self.root.findtext("uuid")

    def ID(self):
        return self.starts

    def autostart(self):
        return self.starts_at_boot

    def hasManagedSaveImage(self):
        return False

    def memoryStats(self):
        return {"swap_in": 0}

    def listAllSnapshots(self):
        return list(self.snapshots)

    def listAllCheckpoints(self):
        return []

    def snapshotListNames(self):
        return [one.name for one in self.snapshots]

    def snapshotLookupByName(self, name):
        return next(one for one in self.snapshots if one.name == name)

    def snapshotCreateXML(self, text, _flags):
        assert not self.isActive()
        self.calls.append("snapshot")
        root = definition.parse(text)
        self.snapshots.append(Snapshot(self, root.findtext("name"), root.findtext("description"), time.time()))

    def revertToSnapshot(self, _snapshot):
        assert not self.isActive()
        self.calls.append("revert")

    def destroy(self):
        self.calls.append("destroy")
        self.live = None

    def setAutostart(self, value):
        self.starts_at_boot = value

    def create(self):
        self.calls.append("create")
        self._begin()

    def shutdown(self):
        self.calls.append("shutdown")
        self.live = None

    def undefineFlags(self, _flags):
        assert not self.isActive()
        self.calls.append("undefine")

    def rename(self, name):
        self.calls.append("rename")
        self.root.find("name").text = name

    def setMemoryFlags(self, kibibytes, _flags):
        self.calls.append("live")
        self.live.find("currentMemory").text = str(kibibytes)

    def setVcpusFlags(self, count, _flags):
        self.calls.append("live")
        vcpu = self.live.find("vcpu")
        if int(vcpu.text) == count:
            vcpu.attrib.pop("current", None)
        else:
            vcpu.set("current", str(count))

    def setMetadata(self, _what, text, _key, _uri, _flags):
        self.calls.append("live")
        if self.live.find("description") is None:
            definition.ET.SubElement(self.live, "description")
        self.live.find("description").text = text

    def attachDeviceFlags(self, text, _flags):
        self.calls.append("live")
        self.live.find("devices").append(definition.parse(text))

    def detachDeviceFlags(self, text, _flags):
        self.calls.append("live")
        gone = definition.parse(text)
        key = {"disk": definition.target_of, "interface": definition.mac_of}[gone.tag]
        devices = self.live.find("devices")
        devices.remove(next(one for one in devices.findall(gone.tag) if key(one) == key(gone)))

    def updateDeviceFlags(self, text, _flags):
        self.detachDeviceFlags(text, 0)
        self.attachDeviceFlags(text, 0)


class Pool:
    """A pool of type dir; `calls` are the names of those that change it."""

    def __init__(self, connection, name, path):
        self.connection, self.label, self.path = connection, name, path
        self.active, self.starts_at_boot, self.calls = 1, 1, []

    def name(self):
        return self.label

    def XMLDesc(self, _flags):
        return f"<pool type='dir'><target><path>{self.path}</path></target></pool>"

    def isActive(self):
        return self.active

    def autostart(self):
        return self.starts_at_boot

    def create(self, _flags):
        self.calls.append("create")
        self.active = 1

    def setAutostart(self, value):
        self.starts_at_boot = value

    def refresh(self, _flags):
        pass

    def destroy(self):
        self.calls.append("destroy")
        self.active = 0

    def undefine(self):
        assert not self.active
        del self.connection.pools[self.label]


class Connection:
    """A host with one domain, or none, and pools by their names."""

    def __init__(self, domain=None):
        self.domain, self.pools = domain, {}

    def lookupByName(self, name):
        if self.domain is None or name != self.domain.name():
            raise LibvirtError
        return self.domain

    def listAllDomains(self, _flags=0):
        return [self.domain] if self.domain else []

    def listAllStoragePools(self):
        return list(self.pools.values())

    def storagePoolLookupByName(self, name):
        if name not in self.pools:
            raise LibvirtError(49)
        return self.pools[name]

    def storagePoolDefineXML(self, text, _flags):
        root = definition.parse(text)
        name = root.findtext("name")
        self.pools[name] = Pool(self, name, root.findtext("target/path"))
        self.pools[name].active = self.pools[name].starts_at_boot = 0
        return self.pools[name]

    def getCapabilities(self):
        return "<domain type='kvm'/>"

    def getDomainCapabilities(self, *_):
        """Neither UEFI nor a TPM."""
        return "<domainCapabilities><vcpu max='255'/></domainCapabilities>"

    def defineXMLFlags(self, text, _flags):
        self.domain.calls.append("define")
        self.domain.root = definition.parse(text)
        return self.domain


def connect(monkeypatch, domain=None):
    """Have this be the host's libvirt."""
    connection = Connection(domain)
    monkeypatch.setattr(libvirt_host, "library", Library)
    monkeypatch.setattr(libvirt_host, "connection", lambda: connection)
    return connection
