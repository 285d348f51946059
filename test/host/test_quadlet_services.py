"""How long services are waited for, and what is said of those that do not come up. systemd and Podman are played by the test."""

import subprocess
import time

import pytest

from ansible.module_utils.homelab.apply.quadlet import services
from ansible.module_utils.homelab.apply.quadlet.services import Services

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
    assert (services.not_ready("a.service", state) == "") is is_ready


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
