"""What is announced of a Quadlet unit is what is done: who is restarted, what is recreated, and what goes with its data."""

from types import SimpleNamespace

import pytest
from machine_mock import agree_to_remove, module, settled, writer_of

from ansible.module_utils.homelab.apply.quadlet import files, plan
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe.quadlet import home, unit_file, users
from ansible.module_utils.homelab.observe.quadlet import observer as quadlet_unit
from ansible.module_utils.homelab.observe.quadlet.observer import QuadletUnit

RUN = "[Install]\nWantedBy=default.target\n"


def unit_of(name, content, **more):
    return {"user": "web", "name": name, "content": content, "restart": "allowed", "on_delete": "keep", **more}


WEB = unit_of("web.container", f"[Container]\nImage=web.image\n{RUN}", files={"site/index.html": "a"})
IMAGE = unit_of("web.image", "[Image]\nImage=x:1\n")
NET = unit_of("back.network", "[Network]\nSubnet=10.0.0.0/24\n")
DATA = unit_of("data.volume", "[Volume]\nLabel=a=1\n", on_delete="destroy")
DB = unit_of("db.container", f"[Container]\nImage=x\nNetwork=back.network\nVolume=data.volume:/data\n{RUN}")
JOB = unit_of("job.container", "[Container]\nImage=x\n")
POD = unit_of("duo.pod", f"[Pod]\nPublishPort=8080:80\n{RUN}")
IN_POD = unit_of("one.container", "[Container]\nImage=x\nPod=duo.pod\n")
KUBE = unit_of("play.kube", f"[Kube]\nYaml=./play.yaml\n{RUN}", files={"play.yaml": "a"})
BUILD = unit_of("app.build", "[Build]\nImageTag=localhost/app\nFile=./app/Containerfile\n", files={"app/Containerfile": "FROM x"})
APP = unit_of("app.container", f"[Container]\nImage=app.build\n{RUN}")
ALL = [WEB, IMAGE, NET, DATA, DB, JOB, POD, IN_POD, KUBE, BUILD, APP]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("unit", "change", "announced", "affected"),
    [
        (WEB, {"content": WEB["content"].replace("[Install]", "ReadOnly=true\n[Install]")}, "restart", []),
        (WEB, {"files": {"site/index.html": "b"}}, "restart", []),
        (WEB, {"on_delete": "destroy"}, "live", []),
        (WEB, {"restart": "denied"}, "live", []),
        (WEB, {"dropins": {"a.conf": "[Container]\nReadOnly=true\n"}}, "restart", []),
        (WEB, {"running": False}, "restart", []),
        (WEB, {"name": "new.container"}, "live", []),
        (JOB, {"content": "[Container]\nImage=y\n"}, "live", []),
        (JOB, {"content": None, "sections": {"Container": {"Image": "y"}}}, "live", []),
        (APP, {"content": None, "sections": {"Container": {"Image": "y"}}}, "restart", []),
        (IMAGE, {"content": "[Image]\nImage=x:2\n"}, "restart", ["web.container"]),
        (BUILD, {"content": f"{BUILD['content']}Pull=always\n"}, "restart", ["app.container"]),
        (BUILD, {"files": {"app/Containerfile": "FROM y"}}, "restart", ["app.container"]),
        (POD, {"content": f"[Pod]\nPublishPort=8081:80\n{RUN}"}, "restart", ["one.container"]),
        (IN_POD, {"content": "[Container]\nImage=y\nPod=duo.pod\n"}, "restart", []),
        (KUBE, {"content": f"[Kube]\nYaml=./play.yaml\nPublishPort=8082:80\n{RUN}"}, "restart", []),
        (KUBE, {"files": {"play.yaml": "b"}}, "restart", []),
        (NET, {"content": "[Network]\nSubnet=10.0.1.0/24\n"}, "replace", ["db.container"]),
        (DATA, {"content": "[Volume]\nLabel=a=2\n"}, "data-loss", ["db.container"]),
        (DATA, {"on_delete": "keep"}, "live", []),
    ],
)
def test_a_quadlet_unit(monkeypatch, tmp_path, unit, change, announced, affected):  # noqa: PLR0917
    library = module("quadlet_unit")
    unit = {key: value for key, value in {**unit, **change}.items() if value is not None}
    installed = [{"user": "web", "name": one["name"], "content": one["content"]} for one in ALL]
    past = {one["name"]: plan.past_of(QuadletUnit().record_of(one)) for one in ALL}
    active = {one["name"] for one in ALL if one is not JOB}
    now = plan.Now(installed=installed, past=past, active=active, objects=["network/systemd-back", "volume/systemd-data"])
    services = Services()
    for name, mock in {
        "Services": lambda _: services,
        "folder_of": lambda *_: tmp_path,
        "write_all": lambda *_: {},
        "note_images": lambda *_: None,
    }.items():
        monkeypatch.setattr(library, name, mock)
    monkeypatch.setattr(library.checks, "generated", lambda *_: library.checks.Generated({}, {}))
    monkeypatch.setattr(library.checks, "taken_ports", lambda *_: [])
    monkeypatch.setattr(library.QuadletUnitWriter, "_now", lambda *_: now)
    writer = library.QuadletUnitWriter()
    name = f"web/{unit['name']}"
    writer.to_change = [name]
    assert writer.rejections([unit], "lab") == {}
    change = Change(unit, Observation(name, present=True), {})
    assert writer.disruption(change) == announced
    assert writer.affected(change, "lab") == [f"quadlet-unit web/{one}" for one in affected]
    assert writer.apply([change], "lab") == {}
    assert services.restarted - {unit["name"]} == set(affected)
    assert bool(services.restarted & active) == (announced != "live")
    assert services.made_way == (announced in ("replace", "data-loss"))


class Services:
    """A mock of a user's services, which notes what is restarted and what is removed."""

    user, account = "web", None

    def __init__(self):
        self.restarted, self.made_way = set(), False

    def make_way(self, plan, _everything):
        self.made_way = bool(plan.replaced)
        return {}

    def unmask(self, _services):
        pass

    reload = pull = lambda *_: None

    def bring_up(self, _units, restarted):
        self.restarted = {one["name"] for one in restarted}
        return {}


class Podman:
    """A mock of podman(1) with networks and volumes; `removed` are those that went."""

    def __init__(self):
        self.objects, self.removed = {"network/systemd-back", "volume/systemd-data"}, []

    def __call__(self, argv, _stdin):
        if argv[2] == "ls":
            return "\n".join(one.split("/")[1] for one in sorted(self.objects) if one.startswith(f"{argv[1]}/"))
        if argv[2] == "rm":
            self.removed.append(f"{argv[1]}/{argv[3]}")
            self.objects.remove(self.removed[-1])
        return ""


@pytest.fixture
def system_units(monkeypatch, machine, tmp_path):
    """A host with units of the system's, and what they made."""
    for module_with_it in (quadlet_unit, home, users, module("quadlet_unit")):
        monkeypatch.setattr(module_with_it, "folder_of", lambda *_: tmp_path / "units")
    monkeypatch.setattr(quadlet_unit, "users", lambda: ["system"])
    machine.programs["podman"] = podman = Podman()
    (tmp_path / "units").mkdir()
    return SimpleNamespace(machine=machine, podman=podman, folder=tmp_path / "units")


@pytest.mark.parametrize("on_delete", ["keep", "destroy"])
@pytest.mark.parametrize(("unit", "removed"), [(WEB, []), (NET, ["network/systemd-back"]), (DATA, ["volume/systemd-data"])])
def test_a_removed_unit_loses_data_just_when_that_is_announced(system_units, unit, removed, on_delete):
    unit = {**unit, "user": None, "on_delete": on_delete}
    settled("quadlet_unit", unit)
    for path, text in unit_file.files_of(unit).items():
        (system_units.folder / path).parent.mkdir(exist_ok=True)
        (system_units.folder / path).write_text(text)
    is_lost = unit["name"].endswith(".volume") and on_delete == "destroy"
    agree_to_remove(writer_of("quadlet_unit"), f"system/{unit['name']}", "data-loss" if is_lost else "")
    kept = unit["name"].endswith(".volume") and not is_lost
    assert system_units.podman.removed == ([] if kept else removed)
    assert system_units.machine.ran("systemctl", "stop") == [[unit_file.service_of(unit)]]
    assert [path for path in system_units.folder.rglob("*") if path.is_file()] == []


def test_of_the_units_of_no_run_those_keep_their_ports_that_run(monkeypatch, system_units):
    library = module("quadlet_unit")
    for name in ("active", "stopped", "asked"):
        (system_units.folder / f"{name}.container").write_text("[Container]\nImage=x\nPublishPort=8080:80\n")
    monkeypatch.setattr(library.Services, "active", lambda _, units: {unit["name"] for unit in units} - {"stopped.container"})
    found = library.publishing(["system/active.container", "system/stopped.container"], "lab")
    assert [(unit["name"], unit["user"]) for unit in found] == [("active.container", "system")]


def test_a_file_that_its_user_cannot_read_is_written_anew(monkeypatch, tmp_path):
    def closed(_path):
        raise PermissionError

    monkeypatch.setattr(system, "read_text", closed)
    change = Change({"name": "a.container", "content": "new\n"}, Observation("web/a.container"), {})
    files.write(tmp_path, change, {})
    assert (tmp_path / "a.container").read_bytes() == b"new\n"
