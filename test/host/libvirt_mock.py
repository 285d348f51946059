"""A mock of libvirt's Python binding: one domain, which notes what is done to it."""

import copy

import writers  # noqa: F401 - it lets Ansible find what the next line names

from ansible.module_utils.homelab import domain_xml

# virDomainXMLFlags.
INACTIVE = 2


class LibvirtError(Exception):
    """What the binding raises."""

    def get_error_code(self):
        return 42


class Library:
    """The binding itself; what its flags are does not matter, but for one."""

    libvirtError = LibvirtError
    VIR_DOMAIN_XML_INACTIVE = INACTIVE

    def __getattr__(self, name):
        return 0


class Domain:
    """A domain that takes every call; `calls` are the names of those that change it."""

    def __init__(self, root, runs):
        self.root, self.live, self.starts, self.calls = root, None, 1, []
        if runs:
            self._begin()

    def _begin(self):
        self.live = copy.deepcopy(self.root)
        self.live.set("id", str(self.starts))
        self.starts += 1

    def XMLDesc(self, flags=0):
        return domain_xml.render(self.live if self.live is not None and not flags & INACTIVE else self.root)

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
        return 1

    def hasManagedSaveImage(self):
        return False

    def memoryStats(self):
        return {"swap_in": 0}

    def listAllSnapshots(self):
        return []

    listAllCheckpoints = listAllSnapshots

    def snapshotListNames(self):
        return []

    def setAutostart(self, _value):
        pass

    def create(self):
        self.calls.append("create")
        self._begin()

    def shutdown(self):
        self.calls.append("shutdown")
        self.live = None

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
            domain_xml.ET.SubElement(self.live, "description")
        self.live.find("description").text = text

    def attachDeviceFlags(self, text, _flags):
        self.calls.append("live")
        self.live.find("devices").append(domain_xml.parse(text))

    def detachDeviceFlags(self, text, _flags):
        self.calls.append("live")
        gone = domain_xml.target_of(domain_xml.parse(text))
        devices = self.live.find("devices")
        devices.remove(next(one for one in devices.findall("disk") if domain_xml.target_of(one) == gone))

    def updateDeviceFlags(self, text, _flags):
        self.detachDeviceFlags(text, 0)
        self.attachDeviceFlags(text, 0)


class Connection:
    """A host with that domain."""

    def __init__(self, domain):
        self.domain = domain

    def lookupByName(self, name):
        if name != self.domain.name():
            raise LibvirtError
        return self.domain

    def listAllDomains(self, _flags=0):
        return [self.domain]

    def getCapabilities(self):
        return "<domain type='kvm'/>"

    def defineXMLFlags(self, text, _flags):
        self.domain.calls.append("define")
        self.domain.root = domain_xml.parse(text)
        return self.domain
