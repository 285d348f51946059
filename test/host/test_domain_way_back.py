"""A change that is to have a way back (`snapshot: true`) goes back to what was there before, and to nothing else. libvirt is mocked."""

import time

import libvirt_mock
import pytest
from domain_mock import OWNER, guest, mock_host, task_of, whole
from machine_mock import module

from ansible.module_utils.homelab import domain as kind
from ansible.module_utils.homelab import domain_edit, domain_snapshot
from ansible.module_utils.homelab.module import Change

HOUR = 3600
SAFE = {"snapshot": True, "restart": "allowed"}


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    return mock_host(monkeypatch, machine, tmp_path)


def broken_off(domain, before, ago):
    """As a run leaves a domain that had this definition, and was killed a while ago once it had taken a snapshot."""
    domain_snapshot.remember(domain, before, OWNER)
    domain.snapshots.append(libvirt_mock.Snapshot(domain, domain_snapshot.TAG, time.time() - ago))


def never_ready(monkeypatch, library):
    def fail(*_):
        raise TimeoutError("no answer")

    monkeypatch.setattr(library, "start", fail)
    monkeypatch.setattr(library, "wait_until_ready", fail)


@pytest.mark.parametrize(("ago", "reverted"), [(HOUR / 20, True), (24 * HOUR, False)])
def test_disks_go_back_to_before_a_run_that_was_broken_off_only_while_the_guest_cannot_have_worked_since(monkeypatch, host, ago, reverted):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(**SAFE), runs=True)
    broken_off(domain, domain_edit.named(domain.root, "web"), ago)
    never_ready(monkeypatch, library)
    wanted = whole(**SAFE)
    [said] = library.DomainWriter().apply([Change(wanted, kind.observe(wanted, OWNER, host.links), {"pending": True})], OWNER).values()
    assert ("revert" in domain.calls, "may have worked since" in said, "put back as it was" in said) == (reverted, not reverted, reverted)
    assert domain.snapshotListNames() == ([] if reverted else [domain_snapshot.TAG])


def test_a_change_that_an_earlier_run_only_defined_is_put_back_as_well(monkeypatch, host):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(**SAFE), runs=True)
    before = domain.XMLDesc(libvirt_mock.INACTIVE)
    wanted = whole(**SAFE, vcpus_max=4)
    monkeypatch.setattr(library, "turn_off", lambda *_: (_ for _ in ()).throw(TimeoutError("it takes no notice")))
    assert library.DomainWriter().apply([task_of(wanted, host)], OWNER) == {"web": "it takes no notice"}
    domain.shutdown()
    never_ready(monkeypatch, library)
    [said] = library.DomainWriter().apply([task_of(wanted, host)], OWNER).values()
    assert "put back as it was" in said
    assert domain.XMLDesc(libvirt_mock.INACTIVE) == before


def test_what_waits_for_the_next_boot_can_be_taken_back_at_that(monkeypatch, host):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(snapshot=True), runs=True)
    before = domain.XMLDesc(libvirt_mock.INACTIVE)
    assert library.DomainWriter().apply([task_of(whole(snapshot=True, vcpus_max=4), host)], OWNER) == {}
    never_ready(monkeypatch, library)
    [said] = library.DomainWriter().apply([task_of(whole(**SAFE, vcpus_max=4), host)], OWNER).values()
    assert ("put back as it was" in said, domain.XMLDesc(libvirt_mock.INACTIVE) == before) == (True, True)


def test_a_guest_that_took_what_waited_does_not_lose_it_to_a_later_change(monkeypatch, host):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(snapshot=True), runs=True)
    assert library.DomainWriter().apply([task_of(whole(snapshot=True, vcpus_max=4), host)], OWNER) == {}
    # By somebody else.
    domain.shutdown()
    domain.create()
    taken = domain.XMLDesc(libvirt_mock.INACTIVE)
    never_ready(monkeypatch, library)
    [said] = library.DomainWriter().apply([task_of(whole(**SAFE, vcpus_max=5), host)], OWNER).values()
    assert ("put back as it was" in said, domain.XMLDesc(libvirt_mock.INACTIVE) == taken) == (True, True)
