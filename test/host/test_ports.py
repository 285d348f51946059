"""Who listens on a port that a unit is to publish."""

import pytest

from ansible.module_utils.homelab.observe import ports

LISTING = """\
udp   UNCONN 0      0        127.0.0.1%lo:53        0.0.0.0:*    users:(("dnsmasq",pid=7,fd=4))
tcp   LISTEN 0      4096          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=1,fd=3),("systemd",pid=1,fd=9))
tcp   LISTEN 0      4096                *:9090            *:*
tcp   LISTEN 0      4096             [::]:443          [::]:*    users:(("nginx",pid=12,fd=6))
"""


def port(host_port, host_ip="", protocol="tcp"):
    return {"host_ip": host_ip, "host_port": host_port, "container_port": "80", "protocol": protocol}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (port("80"), port("80"), ["80/tcp"]),
        (port("80", "[::1]"), port("80", "[::1]"), ["80/tcp"]),
        (port("80-82"), port("81-90", "192.0.2.1"), ["81/tcp", "82/tcp"]),
        (port("80"), port("80", protocol="udp"), []),
        (port("80", "192.0.2.1"), port("80", "192.0.2.2"), []),
        (port(""), port(""), []),
    ],
)
def test_a_port_that_two_units_want_is_found(one, other, both):
    assert ports.shared(one, other) == both


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        (port("22"), "22/tcp is taken by sshd (pid 1)"),
        (port("22", "192.0.2.1"), "22/tcp is taken by sshd (pid 1)"),
        (port("22", protocol="udp"), None),
        (port("53", "127.0.0.1", "udp"), "53/udp is taken by dnsmasq (pid 7)"),
        (port("53", "192.0.2.1", "udp"), None),
        (port("9089-9091"), "9090/tcp is taken;"),
        (port("443"), "443/tcp is taken by nginx (pid 12)"),
        (port("443", "[::1]"), "443/tcp is taken by nginx (pid 12)"),
        (port("443", "0.0.0.0"), None),
        (port(""), None),
    ],
)
def test_a_port_that_somebody_has_is_told_with_who_it_is(wanted, who):
    found = ports.taken([wanted], ports.parsed(LISTING))
    assert len(found) == (who is not None)
    assert (who or "") in "".join(found)
