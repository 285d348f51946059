"""What a host cannot carry of domains, or hardly can."""

from homelab import domain_checks

GUESTS = [
    {"name": "a", "memory": "2 GiB", "running": True},
    {"name": "b", "memory": "4 GiB", "running": False},
    {"name": "c", "memory": "1 GiB", "running": True},
]


def test_guests_that_run_and_fit_are_no_matter():
    assert domain_checks.crowding(GUESTS, 1024, 4096) == {}


def test_the_guest_that_no_longer_fits_beside_others_is_told():
    told = domain_checks.crowding(GUESTS, 1025, 4096)
    assert list(told) == ["c"]
    assert "the guests that run are to have 4097 MiB of memory, and this host has 4096 MiB" in told["c"][0]
