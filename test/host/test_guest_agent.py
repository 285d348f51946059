"""A guest whose agent lies is not ready, within its limits, and costs no other guest anything. libvirt is mocked."""

import time

import guest_agent
import libvirt_mock
import pytest
from domain_mock import OWNER, guest, mock_host, whole

from ansible.module_utils.homelab.apply.domain import agent, console, power
from ansible.module_utils.homelab.apply.domain import writer as library
from ansible.module_utils.homelab.observe import libvirt_host
from ansible.module_utils.homelab.observe.domain import observer as kind

LIMIT = 0.1
READY = {"ready": "cloud-init", "ready_timeout": LIMIT, "interfaces": []}
lying = pytest.mark.parametrize("answers", guest_agent.LYING.values(), ids=guest_agent.LYING)


@pytest.fixture
def domain(monkeypatch, machine, tmp_path):
    host = mock_host(monkeypatch, machine, tmp_path)
    return guest(monkeypatch, host, whole(), runs=True)


@lying
def test_a_guest_whose_agent_lies_is_not_ready_within_its_limit(monkeypatch, domain, answers):
    guest_agent.answer_with(monkeypatch, **answers)
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"there is no end of cloud-init \(") as caught:
        power.wait_until_ready(domain, READY)
    assert time.monotonic() - begun < LIMIT + 2
    assert len(str(caught.value)) < 1000
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"return": 1}', guest_agent.DEEP])
def test_an_agent_that_lies_when_it_is_pinged_is_none(monkeypatch, domain, answer):
    guest_agent.answer_with(monkeypatch, **{"guest-ping": answer})
    with pytest.raises(TimeoutError, match=r"there is no guest agent \("):
        power.wait_until_ready(domain, {**READY, "ready": "agent"})


def test_an_agent_is_asked_no_longer_than_its_guest_is_waited_for(monkeypatch, domain):
    asked = guest_agent.answer_with(monkeypatch, **guest_agent.LYING["never exits"])
    with pytest.raises(agent.InvalidAnswer, match="no end of guest-exec-status in time"):
        agent.cloud_init_status(domain, time.monotonic() + LIMIT)
    assert {seconds for _, seconds in asked} == {1}
    with pytest.raises(agent.InvalidAnswer, match="no end of guest-ping in time"):
        agent.is_there(domain, time.monotonic())


def test_what_failed_in_a_guest_is_told_in_few_words(monkeypatch, domain):
    guest_agent.answer_with(monkeypatch, **guest_agent.status({"status": "error", "errors": ["\x1b[2Jbad" * 10_000]}))
    with pytest.raises(RuntimeError, match="cloud-init failed in the guest: bad") as caught:
        power.has_finished(domain, time.monotonic() + 5)
    assert len(str(caught.value)) < 3000
    assert "\x1b" not in str(caught.value)


def test_a_console_without_end_is_read_at_its_end(tmp_path, domain):
    log = tmp_path / "console.log"
    with log.open("wb") as stream:
        stream.truncate(50 * 1024**3)
        stream.seek(0, 2)
        stream.write(b"\nthe end\n")
    domain.root.find("devices/serial/log").set("file", str(log))
    assert console.last_lines(domain).endswith("\nthe end")


class Several(libvirt_mock.Connection):
    """A host whose domains have names."""

    def __init__(self, domains):
        super().__init__()
        self.domains = domains

    def lookupByName(self, name):
        if name not in self.domains:
            raise libvirt_mock.LibvirtError
        return self.domains[name]


def broken(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [KeyError("exited"), TypeError("x"), RecursionError("deep"), AttributeError("x"), ValueError("x"), libvirt_mock.LibvirtError(1)],
    ids=repr,
)
def test_what_one_guest_fails_with_fails_no_other_one(monkeypatch, error):
    monkeypatch.setattr(libvirt_host, "library", libvirt_mock.Library)
    done = []
    failed = libvirt_host.each({"bad": broken(error), "good": lambda: done.append("good")})
    assert ([*failed], done) == (["bad"], ["good"])
    assert failed["bad"]
    looked = libvirt_host.reasons({"bad": broken(error), "good": list})
    assert (looked["bad"][0].startswith("it cannot be read: "), looked["good"]) == (True, [])


def test_a_guest_whose_process_does_not_answer_is_drift_of_its_own_and_others_are_read(monkeypatch, machine, tmp_path):
    host = mock_host(monkeypatch, machine, tmp_path)
    good = guest(monkeypatch, host, whole(), runs=True)
    bad = libvirt_mock.Domain(good.root, runs=True)
    bad.memoryStats = broken(libvirt_mock.LibvirtError(68))
    connection = Several({"web": good, "bad": bad})
    monkeypatch.setattr(libvirt_host, "connection", lambda: connection)
    units = [whole(name="bad"), whole()]
    seen = kind.observer.observe(units, OWNER)
    assert [(one.present, one.differences) for one in seen] == [(True, ["it cannot be read: error 68"]), (True, [])]
    writer = library.DomainWriter()
    writer.to_change = ["bad"]
    change = library.Change(units[0], seen[0], {})
    assert writer.disruption(change) == "restart"
    monkeypatch.setattr(bad, "hasManagedSaveImage", broken(libvirt_mock.LibvirtError(68)))
    assert writer.removal_blockers(["bad", "web"], OWNER) == {"bad": "it cannot be read: error 68"}
    assert writer.apply([change], OWNER).keys() == {"bad"}
