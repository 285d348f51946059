"""What is said of a domain that is not as it was left: whose it is, and how far its guest got. libvirt and the guest are mocked."""

import time

import guest_agent
import pytest
from domain_mock import GUEST, guest, mock_host, whole
from machine_mock import OWNER, settled

from ansible.module_utils.homelab.apply.domain import power
from ansible.module_utils.homelab.observe.domain import definition
from ansible.module_utils.homelab.observe.domain import observer as kind


def soon():
    return time.monotonic() + 1


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    return mock_host(monkeypatch, machine, tmp_path)


@pytest.mark.parametrize(("owner", "said"), [(None, ["not managed by homelab"]), ("other", ["owned by 'other'"]), (OWNER, [])])
def test_a_mark_that_was_lost_is_drift_of_what_we_have_a_record_of(monkeypatch, host, owner, said):
    domain = guest(monkeypatch, host, whole(), runs=True)
    settled("domain", GUEST)
    mark = domain.root.find(f"metadata/{definition.OURS}")
    if owner is None:
        domain.root.find("metadata").remove(mark)
    else:
        mark.find(definition.OWNER).text = owner
    assert kind.observe(whole(), OWNER, host.links).differences == said


def agent(monkeypatch, said):
    """A guest agent in whose guest `cloud-init status` says this."""
    guest_agent.answer_with(monkeypatch, **guest_agent.status(said))


@pytest.mark.parametrize(("status", "is_there"), [("running", False), ("done", True), ("disabled", True)])
def test_a_guest_is_ready_when_cloud_init_is_through(monkeypatch, host, status, is_there):
    domain = guest(monkeypatch, host, whole(), runs=True)
    agent(monkeypatch, {"status": status, "errors": [], "detail": "DataSourceNoCloud [seed=/dev/sr0]"})
    assert power.has_finished(domain, soon()) is is_there


def test_what_cloud_init_failed_with_is_told_with_the_console(monkeypatch, host, tmp_path):
    domain = guest(monkeypatch, host, whole(), runs=True)
    log = tmp_path / "console.log"
    log.write_text("login:\ncloud-init: no package nginx\n")
    domain.root.find("devices/serial/log").set("file", str(log))
    agent(monkeypatch, {"status": "error", "errors": ["('scripts-user', RuntimeError())"]})
    with pytest.raises(RuntimeError, match=r"(?s)cloud-init failed in the guest: \('scripts-user'.*last lines:\n.*no package nginx"):
        power.has_finished(domain, soon())


def test_what_a_guest_has_to_show_is_as_its_unit_says(monkeypatch, host):
    domain = guest(monkeypatch, host, whole(), runs=True)
    plugs = [{"bridge": "br0", "mac": "52:54:00:00:00:0a", "address": "10.10.10.30"}]
    words = {ready: [what for what, _ in power.signs(domain, {"interfaces": plugs, "ready": ready}, soon())] for ready in READY}
    assert words == READY


ANSWER = "answer from 10.10.10.30"
READY = {
    "address": [ANSWER],
    "ssh": [ANSWER, "SSH server at 10.10.10.30"],
    "agent": [ANSWER, "guest agent"],
    "cloud-init": [ANSWER, "guest agent", "end of cloud-init"],
}
