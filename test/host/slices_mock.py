"""A mock of what limits a user: systemd with its slices, the kernel's cgroups, and a file system with quotas."""

from ansible.module_utils.homelab.apply import user_limits as writer
from ansible.module_utils.homelab.observe import disk_quota, user_limits

NONE = {"MemoryMax": "infinity", "MemorySwapMax": "infinity", "TasksMax": "4915", "CPUQuotaPerSecUSec": "infinity"}
HEADER = "User,BlockStatus,FileStatus,BlockUsed,BlockSoftLimit,BlockHardLimit,BlockGrace,FileUsed,FileSoftLimit,FileHardLimit,FileGrace"


class Slices:
    """systemd's slices as it has read their files; `is_active` of all, `set_property` as by `systemctl set-property`.

    Some versions of systemd notice no file in a folder that is new; then `notices_files` is False.
    """

    def __init__(self, folder):
        self.folder, self.is_active, self.notices_files, self.read, self.set_property = folder, True, True, {}, {}

    def files(self):
        return {path.parent.name.removesuffix(".d"): path.read_text() for path in self.folder.glob("*.d/homelab.conf")}

    def systemctl(self, argv, _stdin):
        if argv[1] == "daemon-reload":
            self.read, self.set_property = self.files(), {}
        if argv[1] != "show":
            return ""
        wanted, name = argv[3].split(","), argv[4]
        has = {**NONE, **shown(self.read.get(name, "")), **self.set_property, "ActiveState": "active" if self.is_active else "inactive"}
        has["NeedDaemonReload"] = "yes" if self.notices_files and self.files().get(name) != self.read.get(name) else "no"
        return "".join(f"{key}={has[key]}\n" for key in wanted)


def shown(text):
    """The settings of a file as systemctl(1) prints them."""
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    found = {key: value for key, value in settings.items() if key in ("TasksMax", "MemorySwapMax")}
    if "MemoryMax" in settings:
        found["MemoryMax"] = str(int(settings["MemoryMax"].removesuffix("M")) << 20)
    if "CPUQuota" in settings:
        found["CPUQuotaPerSecUSec"] = f"{int(settings['CPUQuota'].removesuffix('%')) * 10}ms"
    return found


class Quotas:
    """The hard limits on a file system, by uid, as the tools of package quota set and print them."""

    def __init__(self):
        self.state, self.limits = "on (enforced)", {"2": 7}

    def quotaon(self, argv, _stdin):
        assert argv[1:4] == ["-p", "-u", "-v"]
        return f"user quota on {argv[4]} (/dev/vda1) is {self.state}\n" if self.state else ""

    def repquota(self, argv, _stdin):
        assert argv[1:5] == ["-u", "-n", "-O", "csv"]
        return f"{HEADER}\n" + "".join(f"#{uid},ok,ok,40,0,{limit},,9,0,0,\n" for uid, limit in self.limits.items())

    def setquota(self, argv, _stdin):
        assert argv[1] == "-u"
        self.limits[argv[2]] = int(argv[4])


def mock(monkeypatch, machine, tmp_path):
    """Have the machine's slices, cgroups and quotas be mocks, in a temporary folder."""
    folder, cgroups = tmp_path / "systemd", tmp_path / "cgroup"
    folder.mkdir()
    (cgroups / "user.slice/user-2000.slice").mkdir(parents=True)
    (cgroups / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    for one in (user_limits, writer):
        monkeypatch.setattr(one, "FOLDER", folder)
    monkeypatch.setattr(writer, "CGROUPS", cgroups)
    monkeypatch.setattr(disk_quota, "mount_of", lambda _name: "/home")
    machine.slices, machine.quotas, machine.cgroups = Slices(folder), Quotas(), cgroups
    machine.programs["systemctl"] = machine.slices.systemctl
    machine.programs |= {name: getattr(machine.quotas, name) for name in ("quotaon", "repquota", "setquota")}
    # Files are root's where they are real.
    real = {name: getattr(user_limits.system, name) for name in ("write_text", "make_folder")}
    for name, function in real.items():
        monkeypatch.setattr(user_limits.system, name, as_ourselves(function))
    return machine


def as_ourselves(function):
    return lambda *given, **more: function(*given, **{**more, "uid": -1, "gid": -1})
