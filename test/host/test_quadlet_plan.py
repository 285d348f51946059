"""What a change of Quadlet units restarts, replaces and refuses."""

from ansible.module_utils.homelab.apply.quadlet.plan import LOSES_DATA, Now, blamed, make_plan, past_of, still_used
from ansible.module_utils.homelab.observe.quadlet import unit_file
from ansible.module_utils.homelab.observe.quadlet.observer import QuadletUnit

RUN = "[Install]\nWantedBy=default.target\n"


def unit(name, content, **more):
    return {"name": name, "content": content, "restart": "allowed", "on_delete": "keep", **more}


def record(one, **more):
    return {**QuadletUnit().record_of(one), **more}


def past(*units):
    return {one["name"]: past_of(record(one)) for one in units}


WEB = unit("web.container", f"[Container]\nImage=web.image\nVolume=./site:/srv\n{RUN}", files={"site/index.html": "a"})
IMAGE = unit("web.image", "[Image]\nImage=x:1\n")
NET = unit("back.network", "[Network]\nSubnet=10.0.0.0/24\n")
DATA = unit("data.volume", "[Volume]\nLabel=a=1\n")
DB = unit("db.container", f"[Container]\nImage=x\nNetwork=back.network\nVolume=data.volume:/data\n{RUN}")
APP = unit("app.container", f"[Unit]\nRequires=db.service\nAfter=web.service\n[Container]\nImage=x\n{RUN}")
ALL = [WEB, IMAGE, NET, DATA, DB, APP]
# Of what lies on the host only the text is known.
INSTALLED = [{"name": one["name"], "content": one["content"]} for one in ALL]
OBJECTS = ["network/systemd-back", "volume/systemd-data"]


def plan(*changed, **more):
    now = {"installed": INSTALLED, "past": past(*ALL), "active": [one["name"] for one in ALL], "objects": OBJECTS}
    return make_plan(changed, Now(**{**now, **more}))


def with_text(one, text, **more):
    return {**one, "content": text, **more}


def test_an_unchanged_unit_restarts_nothing():
    assert all(plan(one) == make_plan([], Now()) for one in ALL)


def test_a_changed_unit_restarts_itself_and_what_requires_it():
    assert plan(with_text(DB, DB["content"] + "#\n")).restarts == {"db.container": ["db.container", "app.container"]}
    assert plan(with_text(WEB, WEB["content"] + "#\n")).restarts == {"web.container": ["web.container"]}


def test_a_changed_file_restarts_its_unit_and_others_that_mount_it():
    other = unit("other.container", f"[Container]\nImage=x\nVolume=./site/index.html:/x\n{RUN}")
    changed = {**WEB, "files": {"site/index.html": "b"}}
    assert plan(changed, installed=[*INSTALLED, other]).restarts == {"web.container": ["web.container", "other.container"]}


def test_a_changed_file_of_a_build_restarts_what_runs_of_it():
    build = unit("own.build", "[Build]\nImageTag=own\n", files={"Containerfile": "FROM a"})
    own = unit("own.container", f"[Container]\nImage=own.build\n{RUN}")
    found = plan({**build, "files": {"Containerfile": "FROM b"}}, installed=[build, own], past=past(build), active=["own.build"])
    assert found.restarts == {"own.build": ["own.build", "own.container"]}


def test_a_changed_image_restarts_what_runs_of_it():
    assert plan(with_text(IMAGE, "[Image]\nImage=x:2\n")).restarts == {"web.image": ["web.image", "web.container"]}
    assert plan(with_text(IMAGE, "[Image]\nImage=x:2\n"), active=[]).restarts == {"web.image": ["web.container"]}


def test_a_changed_network_is_replaced_with_all_that_hangs_on_it():
    found = plan(with_text(NET, "[Network]\nSubnet=10.0.1.0/24\n"))
    assert found.replaced == {"back.network": ["network/systemd-back"]}
    assert found.restarts == {"back.network": ["back.network", "db.container", "app.container"]}


def test_only_what_makes_a_volume_replaces_it():
    assert plan(with_text(DATA, "# mine\n[Unit]\nDescription=x\n" + DATA["content"])).replaced == {}
    assert plan(with_text(DATA, "[Volume]\nLabel=a=2\n")).refused == {"data.volume": LOSES_DATA}
    assert plan(with_text(DATA, "[Volume]\nLabel=a=2\n", on_delete="destroy")).refused == {}
    assert plan(with_text(DATA, "[Volume]\nLabel=a=2\n"), objects=[]).refused == {}


def test_another_name_replaces_the_volume_that_the_unit_made_and_no_other():
    renamed = with_text(DATA, DATA["content"] + "VolumeName=pgdata\n", on_delete="destroy")
    assert plan(renamed, objects=[*OBJECTS, "volume/pgdata"]).replaced == {"data.volume": ["volume/systemd-data"]}


def test_what_may_not_be_restarted_holds_a_change_back():
    denied = {**DB, "restart": "denied"}
    assert "set `restart: allowed` on it" in plan({**denied, "content": DB["content"] + "#\n"}).refused["db.container"]
    changed = with_text(NET, "[Network]\nSubnet=10.0.1.0/24\n")
    assert "restarts db.container" in plan(changed, denied=["db.container"]).refused["back.network"]


def test_a_change_of_another_unit_does_not_restart_what_was_denied_until_that_is_applied_as_allowed():
    changed = with_text(NET, "[Network]\nSubnet=10.0.1.0/24\n")
    alone = plan(changed, denied=["db.container"]).refused
    together = plan(changed, {**DB, "restart": "allowed"}, denied=["db.container"]).refused
    assert together == alone != {}


def test_what_does_not_run_is_no_reason_to_refuse():
    changed = {**DB, "restart": "denied", "content": DB["content"] + "#\n"}
    assert plan(changed, active=["app.container"]).refused == {}


def test_a_file_edited_by_hand_is_put_right_without_restarting_what_may_not_be():
    assert plan({**WEB, "restart": "denied"}, edited=["web.container"]) == make_plan([], Now())
    assert plan(IMAGE, edited=["web.image"], denied=["web.container"]) == make_plan([], Now())
    assert plan(WEB, edited=["web.container"]).restarts == {"web.container": ["web.container"]}


def test_what_was_started_since_the_edit_runs_as_edited_and_is_not_said_to_be_right():
    denied = {**WEB, "restart": "denied"}
    assert (
        "set `restart: allowed` on it"
        in plan(denied, edited=["web.container"], since={"web.container": ["web.container"]}).refused["web.container"]
    )
    assert plan(denied, edited=["web.container"], since={"web.container": ["db.container"]}) == make_plan([], Now())


def test_what_an_unfinished_apply_may_have_left_counts_too():
    tried = with_text(WEB, WEB["content"] + "#\n")
    both = past_of(record(WEB, pending=[record(tried)]))
    assert plan(WEB, past={"web.container": both}).restarts == {"web.container": ["web.container"]}
    first = past_of({"on_delete": "keep", "restart": "allowed", "pending": [record(WEB)]})
    assert plan(WEB, past={"web.container": first}).restarts == {}


def test_a_service_of_another_name_is_outdated():
    renamed = with_text(WEB, WEB["content"].replace("Image=", "ServiceName=site\nImage="))
    assert plan(renamed).outdated == ["web.service"]
    assert unit_file.service_of(renamed) == "site.service"


def test_what_a_change_broke_is_told_by_the_changed_unit():
    found = plan(with_text(IMAGE, "[Image]\nImage=x:2\n"))
    reasons = {"web.image": "no such image", "web.container": "dependency failed"}
    assert blamed(reasons, found, [IMAGE]) == {"web.image": "no such image\nweb.container, which uses it: dependency failed"}
    assert blamed({}, found, [IMAGE]) == {}


def test_a_unit_that_another_still_names_cannot_go():
    assert still_used(["back.network"], INSTALLED) == {"back.network": "db.container still names it; change that first"}
    assert still_used(["back.network", "db.container"], INSTALLED) == {}


def test_what_somebody_removed_is_made_again_and_what_uses_it_restarted():
    assert plan(IMAGE, lost=["web.image"]).restarts == {"web.image": ["web.image", "web.container"]}
    assert plan(NET, lost=["back.network"]).restarts == {"back.network": ["back.network", "db.container", "app.container"]}
    assert plan(IMAGE, lost=["web.image"], denied=["web.container"]).refused["web.image"].startswith("the change restarts web.container")
