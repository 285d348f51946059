"""What systemd has against the services that Quadlet makes. systemd-analyze is a mock that says what the real one (257) says."""

import os
from subprocess import CompletedProcess

import pytest
import writers  # noqa: F401 - it lets Ansible find what the next line names

from ansible.module_utils.homelab.apply.quadlet import checks, files
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe.ports import Listener

MADE = {"web.container": "[Service]\nRestart=alway\nFrob=1\n", "db.container": "[Service]\nRestart=always\n"}


def test_values_that_systemd_does_not_understand_are_told_by_unit(monkeypatch):
    def run(argv, **_):
        assert argv[:-2] == ["systemd-analyze", "--man=no", "--recursive-errors=no", "verify"]
        [bad] = [path for path in argv[-2:] if "alway\n" in system.read_text(path)]
        said = [
            f"{bad}:2: Failed to parse Restart=alway, ignoring: Invalid argument",
            f"{bad}:3: Unknown key 'Frob' in section [Service], ignoring.",
            "/usr/lib/systemd/system/other.service:7: Failed to parse Nice=x, ignoring",
        ]
        return CompletedProcess(argv, 1, "", "\n".join(said))

    monkeypatch.setattr(system, "run", run)
    monkeypatch.setattr(checks, "account_of", lambda _: None)
    told = checks.refused_by_systemd("system", MADE)
    assert told == {"web.container": "systemd rejects it:\nFailed to parse Restart=alway, ignoring: Invalid argument"}


def test_where_nothing_changes_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(system, "run", lambda *_, **__: 1 / 0)
    assert checks.refused_by_systemd("system", {}) == {}


def publishing(user, port, **more):
    return {"user": user, "name": "web.container", "sections": {"Container": {"PublishPort": port}}, "running": True, **more}


def test_units_of_one_run_that_publish_the_same_port_are_told_of_each_other():
    web, notes, stopped = publishing("web", "8080:80"), publishing("notes", "8080:80"), publishing("old", "8080:80", running=False)
    units = [web, notes, stopped]
    said = [checks.shared_ports(unit, units, []) for unit in units]
    assert said == [f"port 8080/tcp is also published by {user}/web.container; publish another one" for user in ("notes", "web")] + [""]


def test_a_user_who_is_gone_hinders_no_other_s_ports(monkeypatch):
    monkeypatch.setattr(checks.ports, "listeners", list)
    assert checks.taken_ports([publishing("web", "8080:80")], ["gone-user/x.container"], []) == []


def test_a_port_that_a_leaving_unit_still_has_is_told():
    old = {**publishing("web", "8080:80"), "name": "old.container"}
    assert checks.shared_ports(publishing("web", "8081:80"), [], [old]) == ""
    said = checks.shared_ports(publishing("web", "8080:80"), [], [old])
    assert said.startswith("port 8080/tcp is published by web/old.container still; let that go, or give it another one")


@pytest.mark.parametrize("conflicts", ["other.service web.service", "web.container"])
def test_units_that_never_run_beside_each_other_may_have_the_same_port(conflicts):
    web = publishing("web", "8080:80")
    other = {**publishing("web", "8080:80"), "name": "other.container"}
    other["sections"] = {**other["sections"], "Unit": {"Conflicts": conflicts}}
    assert [checks.shared_ports(one, [], [two]) for one, two in ((web, other), (other, web))] == ["", ""]


@pytest.mark.parametrize("service", ["site.service", "other.service"])
def test_a_unit_of_the_system_s_that_gets_another_service_name_has_its_port_already(monkeypatch, service):
    monkeypatch.setattr(checks.ports, "listeners", lambda: [Listener("tcp", "", 8080, 0, f"/system.slice/{service}")])
    told = checks.taken_ports([publishing(None, "8080:80")], ["system/web.container"], ["site.service"])
    assert bool(told) is (service == "other.service")


@pytest.mark.parametrize(("ids", "mode"), [({}, 0o700), ({"uid": os.getuid(), "gid": os.getgid()}, 0o755)])
def test_units_of_the_system_s_are_root_s_alone_and_a_folder_of_before_is_closed(tmp_path, ids, mode):
    folder = tmp_path / "systemd/lab"
    for name in ("a.container", "b.container"):
        files.write(folder, Change({"name": name, "content": "new"}, Observation(f"system/{name}"), {}), ids)
        assert folder.stat().st_mode & 0o777 == mode
        folder.chmod(0o755)
    assert folder.parent.stat().st_mode & 0o777 == 0o755
