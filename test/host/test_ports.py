"""Who listens on a port that a unit is to publish."""

import pytest

from ansible.module_utils.homelab.observe import ports

LISTING = """\
udp   UNCONN 0      0        127.0.0.1%lo:53        0.0.0.0:*    uid:4243 ino:7 sk:1 cgroup:/system.slice/dnsmasq.service <->
tcp   LISTEN 0      4096          0.0.0.0:22        0.0.0.0:*    ino:8 sk:2 cgroup:/system.slice/ssh.service <->
tcp   LISTEN 0      4096                *:9090            *:*    ino:9 sk:3 cgroup:/init.scope v6only:0 <->
tcp   LISTEN 0      4096             [::]:443          [::]:*    uid:4242 ino:10 sk:4 cgroup:/user.slice/user-4242.slice/ssh.service <->
"""


def port(host_port, host_ip="", protocol="tcp"):
    return {"host_ip": host_ip, "host_port": host_port, "container_port": "80", "protocol": protocol}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (port("80"), port("80"), "80/tcp"),
        (port("80", "[::1]"), port("80", "[::1]"), "80/tcp"),
        (port("80-82"), port("81-90", "192.0.2.1"), "81-82/tcp"),
        (port("80"), port("80", protocol="udp"), ""),
        (port("80", "192.0.2.1"), port("80", "192.0.2.2"), ""),
        (port(""), port(""), ""),
        (port("1-65535"), port("2-65535"), "2-65535/tcp"),
    ],
)
def test_a_port_that_two_units_want_is_found(one, other, both):
    assert ports.shared(one, other) == both


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        (port("22"), "22/tcp is taken by user root (ssh.service)"),
        (port("22", "192.0.2.1"), "22/tcp is taken by user root (ssh.service)"),
        (port("22", protocol="udp"), None),
        (port("53", "127.0.0.1", "udp"), "53/udp is taken by user 4243 (dnsmasq.service)"),
        (port("53", "192.0.2.1", "udp"), None),
        (port("9089-9091"), "9090/tcp is taken by user root (init.scope)"),
        (port("443"), "443/tcp is taken by user 4242 (ssh.service)"),
        (port("443", "[::1]"), "443/tcp is taken by user 4242 (ssh.service)"),
        (port("443", "0.0.0.0"), None),
        (port(""), None),
    ],
)
def test_a_port_that_somebody_has_is_told_with_who_it_is(wanted, who):
    found = ports.taken([wanted], ports.parsed(LISTING))
    assert len(found) == (who is not None)
    assert (who or "") in "".join(found)


def test_a_user_s_own_cgroup_is_no_service_of_the_system():
    services = [one.system_service for one in ports.parsed(LISTING)]
    assert services == ["dnsmasq.service", "ssh.service", "", ""]
