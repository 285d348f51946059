"""What a host cannot carry of domains, or hardly can."""

from ansible.module_utils.homelab.observe.domain import chain, checks, definition

GUESTS = [
    {"name": "a", "memory": "2 GiB", "running": True},
    {"name": "b", "memory": "4 GiB", "running": False},
    {"name": "c", "memory": "1 GiB", "running": True},
]


def test_guests_that_run_and_fit_are_no_matter():
    assert checks.crowding(GUESTS, 1024, 4096) == {}


def test_the_guest_that_no_longer_fits_beside_others_is_told():
    told = checks.crowding(GUESTS, 1025, 4096)
    assert list(told) == ["c"]
    assert "the guests that run are to have 4097 MiB of memory, and this host has 4096 MiB" in told["c"][0]


def test_a_snapshot_of_a_wanted_file_is_told_whatever_its_name_in_the_guest():
    disks = "".join(
        f"<disk><source file='/vms/{name}.2'/><target dev='{target}'/><backingStore><source file='/vms/{name}.1'/>"
        f"<backingStore><source file='/vms/{name}'/><backingStore/></backingStore></backingStore></disk>"
        for name, target in (("a", "vda"), ("b", "vdb"))
    )
    said = chain.on_snapshots(["/vms/b", "/vms/a"], definition.parse(f"<domain><devices>{disks}</devices></domain>"))
    assert [one.split(";")[0] for one in said] == ["vda is /vms/a.2, a snapshot of /vms/a", "vdb is /vms/b.2, a snapshot of /vms/b"]
