"""Limits of a service user: what is in force, what is out of sync, what is rejected, and what a removal leaves. All is mocked."""

from types import SimpleNamespace

import pytest
import slices_mock
from machine_mock import OWNER, module, records, settled

from ansible.module_utils.homelab.apply import user_limits as writer
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe import disk_quota, user_limits

USER = {"name": "web", "uid": 2000, "subids": {"start": 100000}}
LIMITS = {"memory": "1 GiB", "tasks": 512, "cpu": "150%", "disk": "20 GiB"}
TEXT = f"""# homelab: owner={OWNER} kind=service-user name=web
[Slice]
MemoryMax=1024M
MemorySwapMax=0
TasksMax=512
CPUQuota=150%
"""
ACCOUNT = SimpleNamespace(pw_name="web", pw_uid=2000)
GIB = 1024 * 1024


def whole(limits):
    return {**USER, **({} if limits is None else {"limits": limits})}


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    """A host on which a user with all limits is applied."""
    slices_mock.mock(monkeypatch, machine, tmp_path)
    writer.apply(whole(LIMITS), OWNER)
    settled("service_user", whole(LIMITS))
    machine.file = user_limits.file_of(2000)
    machine.calls.clear()
    return machine


def reloads(host):
    return len(host.ran("systemctl", "daemon-reload"))


def test_limits_are_in_force(host):
    assert host.file.read_text() == TEXT
    assert host.slices.read == {"user-2000.slice": TEXT}
    assert host.quotas.limits == {"2": 7, "2000": 20 * GIB}
    assert user_limits.differences(whole(LIMITS), OWNER) == []


def test_what_is_in_force_is_not_applied_again(host):
    before = host.file.stat()
    writer.apply(whole(LIMITS), OWNER)
    assert (host.file.stat(), reloads(host)) == (before, 0)


@pytest.mark.parametrize(
    ("is_set", "difference"),
    [
        ({"MemoryMax": "2147483648"}, "MemoryMax is 2 GiB, wanted 1 GiB"),
        ({"MemoryMax": "infinity"}, "MemoryMax is infinity, wanted 1 GiB"),
        ({"MemorySwapMax": "infinity"}, "MemorySwapMax is infinity, wanted 0 bytes"),
        ({"TasksMax": "9"}, "TasksMax is 9, wanted 512"),
        ({"CPUQuotaPerSecUSec": "infinity"}, "CPUQuota is infinity, wanted 150%"),
        # As systemd-analyze(1) prints times.
        ({"CPUQuotaPerSecUSec": "1min 500ms"}, "CPUQuota is 6050%, wanted 150%"),
        ({"CPUQuotaPerSecUSec": "16min 39.990000s"}, "CPUQuota is 99999%, wanted 150%"),
        ({"CPUQuotaPerSecUSec": "1.500000s"}, None),
    ],
)
def test_a_value_that_somebody_set_is_reported_and_repaired(host, is_set, difference):
    host.slices.set_property = is_set
    assert user_limits.differences(whole(LIMITS), OWNER) == ([f"user-2000.slice: {difference}"] if difference else [])
    writer.apply(whole(LIMITS), OWNER)
    assert (reloads(host), user_limits.differences(whole(LIMITS), OWNER)) == (bool(difference), [])


def test_a_file_that_somebody_changed_is_reported_and_repaired(host):
    host.file.write_text(TEXT.replace("512", "9"))
    [difference] = user_limits.differences(whole(LIMITS), OWNER)
    assert "-TasksMax=9\n+TasksMax=512" in difference
    writer.apply(whole(LIMITS), OWNER)
    assert (host.file.read_text(), user_limits.differences(whole(LIMITS), OWNER)) == (TEXT, [])


def test_while_nothing_runs_as_the_user_the_file_counts(host):
    host.slices.is_active, host.slices.set_property = False, {"TasksMax": "9"}
    assert user_limits.differences(whole(LIMITS), OWNER) == []
    host.file.unlink()
    assert len(user_limits.differences(whole(LIMITS), OWNER)) == 1


@pytest.mark.parametrize("limits", [None, {}, {"disk": "20 GiB"}])
def test_without_limits_of_the_slice_there_is_no_file(host, limits):
    assert "-MemoryMax=1024M" in user_limits.differences(whole(limits), OWNER)[0]
    writer.apply(whole(limits), OWNER)
    assert (list(host.slices.folder.iterdir()), host.slices.read) == ([], {})
    assert user_limits.differences(whole(limits), OWNER) == []


def test_systemd_reads_the_limits_before_a_new_user_has_a_slice(host):
    host.slices.is_active, host.slices.notices_files = False, False
    writer.apply({**USER, "name": "new", "uid": 2001, "limits": {"tasks": 9}}, OWNER)
    assert "TasksMax=9" in host.slices.read["user-2001.slice"]


def test_systemd_reads_a_removal_that_an_interrupted_run_left(host):
    host.file.unlink()
    writer.apply(whole({"disk": "20 GiB"}), OWNER)
    assert host.slices.read == {}


def test_one_limit_less_is_no_longer_in_force(host):
    writer.apply(whole({"memory": "2 GiB"}), OWNER)
    assert host.file.read_text() == TEXT.split("MemoryMax", maxsplit=1)[0] + "MemoryMax=2048M\nMemorySwapMax=0\n"
    assert user_limits.differences(whole({"memory": "2 GiB"}), OWNER) == []


@pytest.mark.parametrize("account", [ACCOUNT, None])
def test_a_removed_user_leaves_neither_file_nor_quota(host, account):
    other = {**USER, "name": "other", "uid": 2001, "limits": {"tasks": 9}}
    writer.apply(other, OWNER)
    writer.remove("web", account)
    assert [path.name for path in host.slices.folder.iterdir()] == ["user-2001.slice.d"]
    assert list(host.slices.read) == ["user-2001.slice"]
    # Without the account nobody knows its uid.
    assert host.quotas.limits == {"2": 7, "2000": 0 if account else 20 * GIB}


@pytest.mark.parametrize("on_delete", ["keep", "destroy"])
def test_removing_or_keeping_a_user_removes_its_limits(monkeypatch, host, tmp_path, on_delete):
    library = module("service_user")
    users = {"web": ACCOUNT}
    monkeypatch.setattr(library, "LINGER", tmp_path)
    monkeypatch.setattr(library, "RUNTIME", tmp_path / "run")
    monkeypatch.setattr(library, "find", users.get)
    host.programs["userdel"] = lambda *_: users.clear()
    settled("service_user", {**whole(LIMITS), "on_delete": on_delete})
    assert library.ServiceUserWriter().remove(["web"], OWNER) == {}
    assert (list(host.slices.folder.iterdir()), host.quotas.limits["2000"]) == ([], 0)


def test_the_quota_is_reported_changed_and_removed(host):
    host.quotas.limits["2000"] = 5 * GIB
    assert user_limits.differences(whole(LIMITS), OWNER) == ["its disk quota is 5 GiB, wanted 20 GiB"]
    writer.apply(whole(LIMITS), OWNER)
    assert host.quotas.limits["2000"] == 20 * GIB
    del host.quotas.limits["2000"]
    assert user_limits.differences(whole(LIMITS), OWNER) == ["its disk quota is none, wanted 20 GiB"]
    writer.apply(whole(None), OWNER)
    assert host.quotas.limits == {"2": 7, "2000": 0}


def test_a_quota_that_homelab_did_not_set_stays(host):
    settled("service_user", whole(None))
    host.quotas.limits["2000"] = 9
    writer.apply(whole({"tasks": 1}), OWNER)
    writer.remove("web", ACCOUNT)
    assert host.quotas.limits["2000"] == 9


def test_a_quota_is_in_the_record_before_it_is_set(host):
    settled("service_user", whole(None))
    change = Change(whole(LIMITS), Observation("web", present=True), records.read(OWNER, "service-user", "web"))
    assert module("service_user").ServiceUserWriter().pending_record(change)["limits"] == {"disk": "20 GiB"}


@pytest.mark.parametrize(
    ("change", "limits", "reason"),
    [
        (None, LIMITS, ""),
        (
            lambda host: host.file.write_text("[Slice]\nTasksMax=7\n"),
            {"cpu": "9%"},
            "homelab.conf is not managed by homelab, and limits are written there. Move its settings",
        ),
        (lambda host: host.file.write_text("[Slice]\nTasksMax=7\n"), None, ""),
        (
            lambda host: (host.cgroups / "cgroup.controllers").write_text("cpu io pids\n"),
            LIMITS,
            "limits.memory: the kernel has no cgroup controller memory (it has cpu, io, pids)",
        ),
        (lambda host: (host.cgroups / "cgroup.controllers").write_text("cpu io pids\n"), {"tasks": 9}, ""),
        (
            lambda host: (host.cgroups / "cgroup.controllers").unlink(),
            {"tasks": 9},
            "limits.tasks: the kernel has no cgroup controller pids (it has none of version 2)",
        ),
        (
            lambda host: (host.cgroups / "user.slice/user-2000.slice/memory.stat").write_text(
                f"anon {1000 << 20}\nfile {9 << 30}\nshmem {24 << 20}\n"
            ),
            LIMITS,
            "",
        ),
        (
            lambda host: (host.cgroups / "user.slice/user-2000.slice/memory.stat").write_text("anon 1073741824\nfile 9\nshmem 1\n"),
            LIMITS,
            "limits.memory: 1 GiB is less than the 1025 MiB in use, so the kernel would kill processes. Stop some, or allow more",
        ),
        (
            lambda host: setattr(host.quotas, "state", "on (accounting)"),
            LIMITS,
            "limits.disk: /home, the file system of /home/web, has no user quota in force. Mount it with usrquota and run quotaon (ext4)",
        ),
        (lambda host: setattr(host.quotas, "state", "off"), LIMITS, "limits.disk: /home, the file system"),
        (lambda host: setattr(host.quotas, "state", ""), LIMITS, "limits.disk: /home, the file system"),
        (lambda host: setattr(host.quotas, "state", ""), {"tasks": 9}, ""),
        (lambda host: setattr(host.quotas, "state", "on"), LIMITS, ""),
    ],
)
def test_what_would_not_work_is_rejected(host, change, limits, reason):
    if change:
        change(host)
    found = writer.rejection(whole(limits))
    assert reason in found if reason else found == ""


def test_a_quota_needs_its_tools(monkeypatch, host):
    other = {**USER, "name": "other", "uid": 2001}
    assert writer.missing_prerequisites([whole(LIMITS), other]) == {}
    monkeypatch.setattr(system, "installed", lambda program: program != "repquota")
    assert writer.missing_prerequisites([whole(LIMITS), other]) == {"web": disk_quota.MISSING}
    assert disk_quota.difference(whole(LIMITS)) == disk_quota.MISSING
    # One that is removed then has nothing in force.
    writer.remove("web", ACCOUNT)


def test_a_file_of_somebody_else_is_left_alone(host):
    host.file.write_text("[Slice]\nTasksMax=7\n")
    assert user_limits.differences(whole(None), OWNER) == []
    writer.apply(whole(None), OWNER)
    writer.remove("web", ACCOUNT)
    assert host.file.read_text() == "[Slice]\nTasksMax=7\n"


def test_the_file_system_of_a_home_is_where_it_is_mounted(monkeypatch):
    monkeypatch.setattr(disk_quota, "nearest", lambda path: path)
    monkeypatch.setattr(disk_quota.os.path, "realpath", lambda path: path.replace("/home", "/srv/homes"))
    monkeypatch.setattr(disk_quota.os.path, "ismount", lambda path: path in ("/", "/srv"))
    assert disk_quota.mount_of("web") == "/srv"
