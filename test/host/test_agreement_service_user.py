"""What is announced of a user is what is done: its home goes only with on_delete: destroy. Accounts and systemd are mocked."""

import itertools
import pwd
import re
from types import SimpleNamespace

import pytest
import slices_mock
from machine_mock import OWNER, agree_to_remove, mock_files, module, records, settled

from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe import service_user, user_limits

UNIT = {"name": "web", "uid": 2000, "subids": {"start": 100000}}
SUBIDS = "other:200000:65536\n"


class Accounts:
    """A mock of useradd(8), usermod(8) and userdel(8). `homes` are those that are there."""

    def __init__(self):
        self.users, self.homes = {}, set()

    def useradd(self, argv, _stdin):
        self.users[argv[-1]] = SimpleNamespace(
            pw_name=argv[-1], pw_uid=int(argv[2]), pw_gid=int(argv[2]), pw_dir=f"/home/{argv[-1]}", pw_gecos="", pw_shell=""
        )
        self.homes.add(f"/home/{argv[-1]}")
        self.usermod(argv, None)

    def usermod(self, argv, _stdin):
        if "--comment" in argv:
            self.users[argv[-1]].pw_gecos = argv[argv.index("--comment") + 1]
        for word, given in itertools.pairwise(argv):
            if match := re.fullmatch("--(add|del)-(subuid|subgid)s", word):
                first, last = map(int, given.split("-"))
                line, file = f"{argv[-1]}:{first}:{last - first + 1}\n", f"/etc/{match[2]}"
                self.files[file] = self.files[file] + line if match[1] == "add" else self.files[file].replace(line, "")

    def userdel(self, argv, _stdin):
        assert argv[1] == "--remove"
        self.homes.remove(self.users.pop(argv[-1]).pw_dir)

    def named(self, name):
        if name not in self.users:
            raise KeyError(name)
        return self.users[name]


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    """A host on which our user is applied, and has a unit, as another one has."""
    mocked, library = Accounts(), module("service_user")
    slices_mock.mock(monkeypatch, machine, tmp_path)
    machine.programs |= {name: getattr(mocked, name) for name in ("useradd", "usermod", "userdel")}
    monkeypatch.setattr(pwd, "getpwnam", mocked.named)
    monkeypatch.setattr(pwd, "getpwall", lambda: list(mocked.users.values()))
    monkeypatch.setattr(library, "LINGER", tmp_path)
    monkeypatch.setattr(library, "RUNTIME", tmp_path / "run")
    mocked.files = mock_files(monkeypatch, "/etc/sub")
    mocked.files |= {"/etc/subuid": SUBIDS, "/etc/subgid": SUBIDS}
    mocked.useradd(["useradd", "--uid", "2000", "--comment", f"homelab/{OWNER}", "web"], None)
    mocked.machine, mocked.library, mocked.writer = machine, library, library.ServiceUserWriter
    settled("service_user", UNIT)
    for name in ("web/web.container", "web2/web.container"):
        records.write(OWNER, "quadlet-unit", name, {})
    return mocked


@pytest.mark.parametrize(
    ("change", "runs", "affected"),
    [
        # What is put right of a user whose manager runs reaches none of its units; they start with a manager that did not run.
        ({}, True, []),
        ({}, False, ["quadlet-unit web/web.container"]),
        ({"subids": {"start": 300000}}, True, []),
        ({"subids": {"start": 100000, "count": 32768}}, True, []),
        ({"on_delete": "destroy"}, True, []),
        ({"name": "new", "uid": 2001, "subids": {"start": 400000}}, False, []),
        ({"limits": {"memory": "1 GiB"}}, True, []),
        ({"limits": {"tasks": 512}}, True, []),
        ({"limits": {"cpu": "200%"}}, True, []),
        ({"limits": {"disk": "20 GiB"}}, True, []),
        ({"limits": {}}, True, []),
    ],
)
def test_a_user_is_made_or_changed_live(monkeypatch, host, change, runs, affected):
    monkeypatch.setattr(host.library, "manager_runs", lambda name: runs and name == "web")
    writer = host.writer()
    resource = writer.normalise({**UNIT, **change}, {})
    name, is_new = resource["name"], resource["name"] not in host.users
    task = Change(resource, Observation(name, present=not is_new), records.read(OWNER, "service-user", name) or {})
    assert writer.rejections([resource], OWNER) == {}
    assert (writer.disruption(task), writer.affected(task, OWNER)) == ("live", affected)
    assert writer.apply([task], OWNER) == {}
    ran = host.machine.ran
    marked = [argv for argv in ran("usermod") if "--comment" in argv]
    assert (len(ran("useradd")), len(marked), ran("userdel")) == (is_new, not is_new, [])
    assert all(argv[argv.index("--expiredate") + 1] == "" for argv in marked)
    # systemd starts a manager that does not run, and leaves one that does. Limits of its slice are in force before.
    reload = [["daemon-reload"]] if set(change.get("limits", {})) & {"memory", "tasks", "cpu"} else []
    done = [argv for argv in ran("systemctl") if argv[0] != "show"]
    assert done == [*reload, ["start", f"user@{resource['uid']}.service"]]
    assert user_limits.differences(resource, OWNER) == []
    line = f"{name}:{resource['subids']['start']}:{resource['subids']['count']}"
    assert all(text.splitlines().count(line) == 1 and SUBIDS in text for text in host.files.values())
    assert f"/home/{name}" in host.homes


def test_limits_that_the_host_would_not_keep_are_rejected(monkeypatch, host):
    host.machine.quotas.state = "off"
    writer = host.writer()
    resource = writer.normalise({**UNIT, "limits": {"disk": "20 GiB"}}, {})
    assert "has no user quota in force" in writer.rejections([resource], OWNER)["web"]
    [seen] = writer.observe([resource], OWNER)
    assert writer.rejections([resource], OWNER)["web"] in seen.differences
    monkeypatch.setattr(host.library.system, "installed", lambda program: program != "setquota")
    assert "add package quota" in writer.missing_prerequisites([resource], OWNER)["web"]


@pytest.mark.parametrize("change", [{"uid": 2001}, {"name": "new"}, {"subids": {"start": 200001}}])
def test_what_would_take_ids_from_somebody_is_refused(host, change):
    writer = host.writer()
    resource = writer.normalise({**UNIT, **change}, {})
    assert list(writer.rejections([resource], OWNER)) == [resource["name"]]


def test_a_user_whose_group_is_there_already_is_refused(monkeypatch, host):
    monkeypatch.setattr(host.library.grp, "getgrall", lambda: [SimpleNamespace(gr_name="media"), SimpleNamespace(gr_name="web")])
    writer = host.writer()
    new = {**UNIT, "uid": 2001, "subids": {"start": 400000}}
    resources = [writer.normalise(one, {}) for one in (UNIT, {**new, "name": "media"}, {**new, "name": "new"})]
    [refused] = [writer.rejections([one], OWNER) for one in resources if writer.rejections([one], OWNER)]
    assert refused["media"].startswith("there is a group media, as the user's own would be named; remove it")


@pytest.mark.parametrize(("on_delete", "disruption"), [("keep", ""), ("destroy", "data-loss")])
def test_a_removed_user_loses_its_home_just_when_that_is_announced(host, on_delete, disruption):
    settled("service_user", {**UNIT, "on_delete": on_delete})
    records.remove(OWNER, "quadlet-unit", "web/web.container")
    agree_to_remove(host.writer, "web", disruption)
    kept = disruption == ""
    assert ("/home/web" in host.homes, bool(host.machine.ran("userdel"))) == (kept, not kept)
    # A kept account is locked and has expired, so that nobody gets its uid, and neither keys nor jobs of it work.
    assert host.machine.ran("usermod", "--lock") == ([["--expiredate", "1", "--comment", f"homelab/{OWNER}/kept", "web"]] if kept else [])
    assert host.machine.ran("systemctl", "stop") == [["user@2000.service", "user-runtime-dir@2000.service"]]


@pytest.mark.parametrize(("runs", "has_run", "asked"), [(False, True, True), (False, False, False), (True, True, False)])
def test_podman_forgets_what_died_with_a_users_systemd_before_that_starts_again(monkeypatch, host, runs, has_run, asked):
    monkeypatch.setattr(host.library, "manager_runs", lambda _: runs)
    if has_run:
        (host.library.RUNTIME / "2000/libpod").mkdir(parents=True)
    assert host.writer().apply([Change(host.writer().normalise(UNIT, {}), Observation("web", present=True), {})], OWNER) == {}
    calls = [argv[:3] for argv in host.machine.calls]
    assert (["podman", "system", "migrate"] in calls) is asked
    if asked:
        assert calls.index(["podman", "system", "migrate"]) < calls.index(["systemctl", "start", "user@2000.service"])


@pytest.mark.parametrize(
    ("groups", "shadow", "sudo_user", "reason"),
    [
        (["sudo"], "web:!:1::::::\n", None, "it is in group sudo"),
        (["libvirt"], "web:!:1::::::\n", None, "it is in group libvirt"),
        ([], "web:$y$x:1::::::\n", None, "it has a password"),
        ([], "web:!:1::::::\n", "web", "this run logged in as it"),
        (["media"], "web:!:1::::::\n", "other", ""),
    ],
)
def test_nobody_s_login_is_taken_for_a_service(monkeypatch, host, groups, shadow, sudo_user, reason):  # noqa: PLR0917
    host.users["web"].pw_gecos = "Olga"
    monkeypatch.setattr(service_user, "SHADOW", "/etc/subshadow")
    host.files["/etc/subshadow"] = shadow
    monkeypatch.setattr(host.library.grp, "getgrall", lambda: [SimpleNamespace(gr_name=name, gr_mem=["web"]) for name in groups])
    monkeypatch.setenv("SUDO_USER", sudo_user or "")
    writer = host.writer()
    found = writer.rejections([writer.normalise({**UNIT, "adopt": True}, {})], OWNER)
    assert found == ({"web": f"web is somebody's login: {reason}. Take another name for a service"} if reason else {})


@pytest.mark.parametrize(("shadow", "ends"), [("web:!:1::::::\n", False), ("web:!:1:::::1:\n", True), ("other:!:1:::::1:\n", False)])
def test_an_account_that_has_an_end_is_out_of_sync(monkeypatch, host, shadow, ends):
    monkeypatch.setattr(service_user, "SHADOW", "/etc/subshadow")
    host.files["/etc/subshadow"] = shadow
    assert service_user.expires("web") is ends
