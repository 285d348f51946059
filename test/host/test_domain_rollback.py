"""A change with `snapshot: true` is rolled back to what was there before, and to nothing else. libvirt is mocked."""

import errno
import time

import libvirt_mock
import pytest
from domain_mock import OWNER, UUID, guest, mock_host, task_of, whole
from machine_mock import module

from ansible.module_utils.homelab.apply.domain import snapshot
from ansible.module_utils.homelab.apply.writer import Change
from ansible.module_utils.homelab.core.rollback import store
from ansible.module_utils.homelab.observe.domain import definition, edit
from ansible.module_utils.homelab.observe.domain import observer as kind

HOUR = 3600
SAFE = {"snapshot": True, "restart": "allowed"}


@pytest.fixture
def host(monkeypatch, machine, tmp_path):
    return mock_host(monkeypatch, machine, tmp_path)


def broken_off(monkeypatch, domain, before, ago):
    """As a run leaves a domain that had this definition, and was killed a while ago once it had taken a snapshot."""
    snapshot.remember(domain, before, OWNER)
    now = store.uptime()
    with monkeypatch.context() as then:
        then.setattr(store, "uptime", lambda: now)
        then.setattr(domain, "live", None)
        snapshot.take(domain, before)
    monkeypatch.setattr(store, "uptime", lambda: now + ago)
    domain.calls.clear()


def never_ready(monkeypatch, library):
    def fail(*_):
        raise TimeoutError("no answer")

    monkeypatch.setattr(library, "start", fail)
    monkeypatch.setattr(library, "wait_until_ready", fail)


@pytest.mark.parametrize(("ago", "reverted"), [(HOUR / 20, True), (24 * HOUR, False)])
def test_disks_go_back_to_before_a_run_that_was_broken_off_only_while_the_guest_cannot_have_worked_since(monkeypatch, host, ago, reverted):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(**SAFE), runs=True)
    broken_off(monkeypatch, domain, edit.named(domain.root, "web"), ago)
    never_ready(monkeypatch, library)
    wanted = whole(**SAFE)
    [said] = library.DomainWriter().apply([Change(wanted, kind.observe(wanted, OWNER, host.links), {"pending": True})], OWNER).values()
    assert ("revert" in domain.calls, "may have worked since" in said, "rolled back to before this change" in said) == (
        reverted,
        not reverted,
        reverted,
    )
    assert domain.snapshotListNames() == ([] if reverted else [snapshot.TAG])


def stays(monkeypatch, host, domain):
    """Whether the disks of a guest that is not ready stay as they are."""
    library = module("domain")
    never_ready(monkeypatch, library)
    wanted = whole(**SAFE)
    [said] = library.DomainWriter().apply([Change(wanted, kind.observe(wanted, OWNER, host.links), {"pending": True})], OWNER).values()
    assert ("revert" in domain.calls) is ("may have worked since" not in said)
    return "revert" not in domain.calls


@pytest.mark.parametrize("step", [-30 * HOUR, -6 * HOUR, 6 * HOUR])
@pytest.mark.parametrize(("ago", "old"), [(HOUR / 20, False), (6 * HOUR, True)])
def test_the_age_of_a_snapshot_does_not_follow_the_clock(monkeypatch, host, step, ago, old):
    domain = guest(monkeypatch, host, whole(**SAFE), runs=True)
    broken_off(monkeypatch, domain, edit.named(domain.root, "web"), ago)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + ago + step)
    assert stays(monkeypatch, host, domain) is old


@pytest.mark.parametrize(
    "description",
    [None, "", "mine", "boot other, 5 s", "boot {boot}, 99999999999 s", "boot {boot}, -5 s", "boot {boot}, 9999999999999999 s"],
)
def test_disks_stay_where_it_is_not_known_since_when_the_guest_may_have_worked(monkeypatch, host, description):
    """As of an older version, which noted the time of day alone, or of another boot."""
    domain = guest(monkeypatch, host, whole(**SAFE), runs=True)
    snapshot.remember(domain, edit.named(domain.root, "web"), OWNER)
    text = description and description.format(boot=store.boot())
    domain.snapshots.append(libvirt_mock.Snapshot(domain, snapshot.TAG, text, time.time() - 5))
    assert stays(monkeypatch, host, domain)


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
    assert "rolled back to before this change" in said
    assert domain.XMLDesc(libvirt_mock.INACTIVE) == before


def test_what_waits_for_the_next_boot_can_be_taken_back_at_that(monkeypatch, host):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(snapshot=True), runs=True)
    before = domain.XMLDesc(libvirt_mock.INACTIVE)
    assert library.DomainWriter().apply([task_of(whole(snapshot=True, vcpus_max=4), host)], OWNER) == {}
    never_ready(monkeypatch, library)
    [said] = library.DomainWriter().apply([task_of(whole(**SAFE, vcpus_max=4), host)], OWNER).values()
    assert ("rolled back to before this change" in said, domain.XMLDesc(libvirt_mock.INACTIVE) == before) == (True, True)


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
    assert ("rolled back to before this change" in said, domain.XMLDesc(libvirt_mock.INACTIVE) == taken) == (True, True)


def begins_and_is_never_ready(monkeypatch, library, do):
    """Have the guest be started and do something, and not answer."""

    def fail(domain, _unit):
        domain.create()
        do(domain)
        raise TimeoutError("no answer")

    monkeypatch.setattr(library, "start", fail)


@pytest.fixture
def nvram(monkeypatch, tmp_path):
    """The file in which the guest's firmware remembers."""
    (tmp_path / "nvram").mkdir(exist_ok=True)
    monkeypatch.setattr(edit, "NVRAMS", tmp_path / "nvram")
    path = tmp_path / f"nvram/{UUID}_VARS.fd"
    path.write_text("of before")
    return path


@pytest.mark.parametrize("change", [{"vcpus_max": 4}, {"machine": "pc"}])
def test_what_the_firmware_remembers_goes_back_with_the_disks(monkeypatch, host, nvram, change):
    library = module("domain")
    domain = guest(monkeypatch, host, whole(**SAFE, firmware="uefi"), runs=True)
    begins_and_is_never_ready(monkeypatch, library, lambda _: nvram.write_text("of the change"))
    inode = nvram.stat().st_ino
    [said] = library.DomainWriter().apply([task_of(whole(**SAFE, firmware="uefi", **change), host)], OWNER).values()
    assert ("rolled back to before this change" in said, "revert" in domain.calls, domain.isActive()) == (True, True, True)
    # It is the same file, which is QEMU's to write, and no copy of it is left.
    assert (nvram.read_text(), nvram.stat().st_ino, [*nvram.parent.iterdir()]) == ("of before", inode, [nvram])


def test_what_the_firmware_learnt_stays_when_the_guest_is_ready(monkeypatch, host, nvram):
    library = module("domain")
    guest(monkeypatch, host, whole(**SAFE, firmware="uefi"), runs=True)
    monkeypatch.setattr(library, "start", lambda domain, _unit: domain.create() or nvram.write_text("of the change"))
    assert library.DomainWriter().apply([task_of(whole(**SAFE, firmware="uefi", vcpus_max=4), host)], OWNER) == {}
    assert (nvram.read_text(), [*nvram.parent.iterdir()]) == ("of the change", [nvram])


@pytest.mark.parametrize("change", [{"machine": "pc"}, {"firmware": "uefi"}])
def test_a_new_machine_that_is_never_ready_makes_way_for_the_former_one(monkeypatch, host, change):
    library, tried = module("domain"), []
    domain = guest(monkeypatch, host, whole(**SAFE), runs=True)
    before = domain.XMLDesc(libvirt_mock.INACTIVE)
    begins_and_is_never_ready(monkeypatch, library, lambda domain: tried.append(definition.needs_replacement(domain.live, whole())))
    [said] = library.DomainWriter().apply([task_of(whole(**SAFE, **change), host)], OWNER).values()
    assert (tried, "rolled back to before this change" in said) == ([True], True)
    assert (domain.XMLDesc(libvirt_mock.INACTIVE), domain.snapshotListNames()) == (before, [])
    assert domain.isActive()
    assert not definition.needs_replacement(domain.live, whole())


def test_a_guest_goes_on_where_there_is_no_room_for_what_its_firmware_remembers(monkeypatch, host, nvram):
    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    domain = guest(monkeypatch, host, whole(**SAFE, firmware="uefi"), runs=True)
    before = domain.XMLDesc(libvirt_mock.INACTIVE)
    monkeypatch.setattr("shutil.copy2", no_room)
    [said] = module("domain").DomainWriter().apply([task_of(whole(**SAFE, firmware="uefi", vcpus_max=4), host)], OWNER).values()
    assert "no snapshot can be taken, so nothing was changed: [Errno 28] No space left on device" in said
    assert (domain.XMLDesc(libvirt_mock.INACTIVE), domain.snapshotListNames(), domain.isActive()) == (before, [], True)
    assert [*nvram.parent.iterdir()] == [nvram]
