"""The files of a host's base: its units, what they run, and the rollback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core import ownership
from ..core.rollback import checks, kernel_links, program, restore, state, store

UNITS = Path("/etc/systemd/system")

# Debian's own nftables.service flushes everything when it starts, reloads and stops; so ours follows it.
# Rules are there before the network, and forwarding goes on after them (systemd.special(7), network-pre.target).
# A table that does not load, since a device of it is missing, costs no other table.
RULES_UNIT = """\
[Unit]
Description=nftables tables of this host's configuration, then forwarding
Documentation=man:nft(8)
DefaultDependencies=no
Wants=network-pre.target
After=nftables.service systemd-modules-load.service systemd-sysctl.service local-fs.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
PartOf=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/homelab/load-tables
ExecReload=/bin/sh /etc/homelab/load-tables
"""
FORWARD_ON = "ExecStart=/bin/sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'\n"
FORWARD_OFF = "ExecStop=/bin/sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'\n"
LOAD_TABLES = """\
# Loads each table by itself; ends with 1 when one of them does not load.
status=0
for file in /etc/homelab/nftables/*/*.nft; do
    [ ! -e "$file" ] || /usr/sbin/nft -f "$file" || status=1
done
exit $status
"""
ROLLBACK_UNIT = """\
[Unit]
Description=Rollback of a change of network or rules that no new login confirmed
DefaultDependencies=no
RequiresMountsFor=/etc /var/lib/homelab
After=local-fs.target
Before=network-pre.target systemd-networkd.service nftables.service homelab-nftables.service shutdown.target
Conflicts=shutdown.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I /etc/homelab/rollback restore
Restart=on-failure
RestartSec=10
TimeoutStartSec=600
"""
ROLLBACK_PROGRAM = """\
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/etc/homelab/lib")

from homelab_rollback import program

sys.exit(program.main(sys.argv))
"""
# Debian's service, started or reloaded while ours is active, would leave the host without our tables.
FOLLOW_NFTABLES = """\
[Service]
ExecStartPost=-/bin/sh /etc/homelab/load-tables
ExecReload=-/bin/sh /etc/homelab/load-tables
"""
INSTALL = "\n[Install]\nWantedBy=sysinit.target\n"
# Rootless Podman waits for network-online.target. One link that is up is enough: a bridge may have no carrier.
WAIT_ANY = "[Service]\nExecStart=\nExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any\n"
# Where ifupdown or another brings the host online, networkd would wait for nothing, two minutes long.
WAIT_FOR_NOTHING = "[Service]\nExecStart=\nExecStart=/usr/bin/true\n"


def rollback_files(owner: str) -> dict[Path, str]:
    """Return the files of the rollback, by path: its service, its program, and the modules that this runs."""
    mark = ownership.line(owner, "host", "host") + "\n"
    modules = {"store": store, "state": state, "kernel_links": kernel_links, "restore": restore, "checks": checks, "program": program}
    return {
        UNITS / store.SERVICE: mark + ROLLBACK_UNIT + INSTALL,
        Path(store.LIBRARY, "__init__.py"): mark,
        **{Path(store.LIBRARY, f"{name}.py"): mark + source_of(module) for name, module in modules.items()},
        Path(store.PROGRAM): mark + ROLLBACK_PROGRAM,
    }


def source_of(module: ModuleType) -> str:
    """A module's text, wherever it was loaded from: a file, Ansible's archive, what observe.py was sent, or a reader's copy of ours."""
    loader: Any = module.__loader__
    text = str(loader.get_source(module.__name__))
    return text.split("\n", 1)[1] if ownership.read(text) else text


def checks_file(wanted: Sequence[str], owner: str) -> dict[Path, str]:
    """Return the file with the checks that confirm a change, where there are any."""
    mark = ownership.line(owner, "host", "host") + "\n"
    return {Path(store.CHECKS): mark + "".join(f"{check}\n" for check in wanted)} if wanted else {}
