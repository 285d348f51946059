"""How long services are waited for, and what is said of those that do not come up. systemd and Podman are played by the test."""

import itertools
import subprocess
import time
from types import SimpleNamespace

import pytest
from writers import module

from ansible.module_utils.homelab.apply.quadlet import readiness, services
from ansible.module_utils.homelab.apply.quadlet.services import Services
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core import system
from ansible.module_utils.homelab.core.observer import Observation
from ansible.module_utils.homelab.observe.quadlet import states

UP = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
STARTING = {**UP, "ActiveState": "activating", "SubState": "start", "Job": "7"}
FAILED = {**UP, "ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}


@pytest.fixture
def wait(monkeypatch):
    """Waits for services whose states, look by look, are given; the last look stays."""

    def run(looks, health=()):
        looks, health = list(looks), list(health)
        monkeypatch.setattr(services.time, "sleep", lambda _seconds: None)
        monkeypatch.setattr(services, "service_states", lambda *_: looks.pop(0) if len(looks) > 1 else looks[0])

        def said(_self, services, _containers):
            words = (health.pop(0) if len(health) > 1 else health[0]) if health else {}
            return {service: word for service, word in words.items() if service in services}

        monkeypatch.setattr(Services, "health", said)
        return Services("system").wait(sorted(looks[0]), frozenset())

    return run


def test_a_service_that_comes_up_is_ready(wait):
    assert wait([{"a": STARTING}, {"a": UP}]) == {}


def test_a_service_that_failed_is_told_at_once_and_others_are_waited_for(wait):
    assert wait([{"a": FAILED, "b": STARTING}, {"a": FAILED, "b": UP}]) == {"a": "a is failed (failed, exit-code), wanted active"}


def test_a_service_that_crashes_is_active_between(wait):
    looks = [{"a": {**(UP if count % 2 else STARTING), "NRestarts": str(count)}} for count in range(7)]
    assert list(wait(looks)) == ["a"]


def test_a_crash_is_told_beside_a_check_that_fails(wait):
    looks = [{"a": {**UP, "NRestarts": str(count)}, "b": UP} for count in range(7)]
    assert wait(looks, [{"b": "unhealthy"}]).keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("restarts", "starting", "active", "is_ready"),
    [("0", 1, 1, True), ("1", 1, 9, False), ("1", 1, 11, True), ("1", 30, 11, False), ("1", 30, 31, True), ("1", 300, 61, True)],
)
def test_what_was_started_again_counts_as_running_once_it_lasts(restarts, starting, active, is_ready):
    entered = time.monotonic() - active
    times = {"InactiveExitTimestampMonotonic": entered - starting, "ActiveEnterTimestampMonotonic": entered}
    state = {**UP, "NRestarts": restarts, **{name: str(int(seconds * 1e6)) for name, seconds in times.items()}}
    assert (readiness.not_ready("a.service", state) == "") is is_ready


def test_a_container_is_waited_for_until_it_is_healthy(wait):
    assert wait([{"a": UP}], [{"a": "starting"}, {"a": "starting"}, {}]) == {}
    assert wait([{"a": UP}], [{"a": "starting"}, {"a": "unhealthy"}]) == {"a": "a is unhealthy, wanted healthy"}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("a.service Up 2 seconds\n", {}),
        ("a.service Up 2 seconds (healthy)\nb.service Up 2 seconds (unhealthy)\n", {}),
        ("a.service Up 2 seconds (starting)\na.service Up 2 seconds\n", {"a.service": "starting"}),
        ("a.service Up 2 seconds (unhealthy)\n", {"a.service": "unhealthy"}),
        ("b.service Up 2 seconds\n", {"a.service": "without a running container"}),
        ("", {"a.service": "without a running container"}),
    ],
)
def test_podman_says_which_services_are_not_well(monkeypatch, listed, said):
    monkeypatch.setattr(Services, "podman", lambda *_: listed)
    assert Services("system").health(["a.service", "pod.service"], frozenset(["a.service", "c.service"])) == said


def test_what_ends_while_podman_cleans_up_is_no_running_service(wait):
    ended = [{"a": "without a running container"}]
    assert wait([{"a": UP}], ended * 3 + [{}]) == {}
    assert wait([{"a": UP}, {"a": UP}, {"a": FAILED}], ended) == {"a": "a is failed (failed, exit-code), wanted active"}
    assert wait([{"a": {**UP, "SubState": "exited"}}], ended) == {}


def test_the_journal_is_told_since_this_run_began_and_without_the_values_of_the_units_secrets(monkeypatch):
    def run(argv, **_more):
        assert argv[0] == "podman" or f"--since=@{services.BEGUN}" in argv
        said = {"journalctl": "connecting to postgres://app:hunter2@db\nrefused\n", "podman": "hunter2\n"}
        return subprocess.CompletedProcess(argv, 0, said[argv[0]], "")

    monkeypatch.setattr(services.system, "run", run)
    unit = {"name": "a.container", "sections": {"Container": {"Secret": "db,type=env"}}}
    assert Services("system").journal(unit) == "connecting to postgres://app:********@db\nrefused"


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping advances."""
    now = SimpleNamespace(seconds=1000.0)
    sleep = lambda seconds: setattr(now, "seconds", now.seconds + seconds)  # noqa: E731
    monkeypatch.setattr(services, "time", SimpleNamespace(monotonic=lambda: now.seconds, sleep=sleep, time=time.time))
    return now


def watched(monkeypatch, looks, clock):
    """What is said of a service with these looks without end, and after how many seconds."""
    looks = iter(looks)
    monkeypatch.setattr(services, "service_states", lambda *_: {"a": next(looks)})
    monkeypatch.setattr(Services, "health", lambda *_: {})
    said = Services("system").wait(["a"], frozenset())
    return said, clock.seconds - 1000


@pytest.mark.parametrize("period", [1, 30])
def test_a_service_that_its_user_ends_again_and_again_is_given_up(monkeypatch, clock, period):
    """Restarted by hand, systemd does not count that, and its state is always another one."""
    looks = itertools.cycle([*[UP] * period, *[STARTING] * period])
    monkeypatch.setattr(services, "not_ready", lambda *_: "it is not ready")
    said, seconds = watched(monkeypatch, looks, clock)
    assert (said, seconds < 12 * period) == ({"a": "a ends again and again; it was seen to end 5 times"}, True)


def test_all_that_is_done_for_a_user_has_one_end(monkeypatch, clock):
    changing = ({**STARTING, "Job": str(count)} for count in itertools.count(1))
    said, seconds = watched(monkeypatch, changing, clock)
    assert [*said] == ["a"]
    assert seconds <= services.USER_SECONDS
    given = []
    monkeypatch.setattr(system, "run", lambda argv, **more: given.append(more["timeout"]) or subprocess.CompletedProcess(argv, 0, "", ""))
    mine = Services("system")
    clock.seconds += services.USER_SECONDS - 7
    mine.reload()
    assert given == [7]
    clock.seconds += 8
    with pytest.raises(TimeoutError, match="The work for user system took 30 minutes and was given up"):
        mine.reload()


def test_the_reason_stays_where_the_journal_cannot_be_read(monkeypatch):
    def run(argv, **_):
        raise system.CommandError(argv, "no end after 60 s")

    monkeypatch.setattr(system, "run", run)
    assert Services("system").journal({"name": "a.container", "sections": {"Container": {"Secret": "db"}}}) == ""


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "\u00b2", "\u0665", "0x10", " 1", "9" * 5000, "18446744073709551615", "nan"])
def test_a_number_that_is_none_fails_nothing(value):
    names = ("NRestarts", "ExecMainStartTimestampMonotonic", "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    state = {**UP, **dict.fromkeys(names, value)}
    assert isinstance(readiness.not_ready("a.service", state), str)
    assert readiness.given_up(state) is (value.startswith("1844"))
    assert states.started(state) >= 0


def test_a_line_without_end_is_cut(monkeypatch):
    shown = f"ActiveState=active\nSubState={'x' * 10_000_000}\n=\nno value\n"
    monkeypatch.setattr(system, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 0, shown, ""))
    [state] = states.service_states("system", ["a.service"]).values()
    assert state["ActiveState"] == "active"
    assert len(state["SubState"]) < 100_000


def test_whatever_one_user_fails_with_fails_no_other_one(monkeypatch):
    writer = module("quadlet_unit").QuadletUnitWriter()

    def apply(services, *_):
        if services.user == "root":
            raise KeyError("SubState")
        return {}

    monkeypatch.setattr(writer, "_apply", apply)
    monkeypatch.setattr(writer, "_remove", lambda user, *_: apply(SimpleNamespace(user=user)))
    changes = [Change({"name": "a.container", "user": user}, Observation(f"{user}/a.container"), {}) for user in ("root", "system")]
    failed = {"root/a.container": "user root: KeyError: 'SubState'"}
    assert writer.apply(changes, "lab") == failed
    assert writer.remove(["root/a.container", "system/a.container"], "lab") == failed
