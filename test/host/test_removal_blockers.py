"""Nothing is removed while somebody needs it, whoever that is: by the records of all owners."""

import pytest
from hostile_home import TEXT
from machine_mock import OWNER, HostSession, writer_of

from ansible.module_utils.homelab.apply.converge import clear
from ansible.module_utils.homelab.core import records
from ansible.module_utils.homelab.core.specification import KINDS
from ansible.module_utils.homelab.observe.quadlet import home, unit_file

RISKY = [name for name, one in KINDS.items() if one["may_disconnect"]]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("kind", "name", "needing"),
    [
        *(("host", "host", (kind, "any")) for kind in RISKY),
        ("service_user", "web", ("quadlet-unit", "web/page.container")),
        ("service_user", "web", ("podman-secret", "web/token")),
        ("pool", "vms", ("volume", "vms/disk")),
    ],
)
def test_what_another_owner_has_keeps_what_it_needs(monkeypatch, kind, name, needing):
    writer = writer_of(kind)
    monkeypatch.setattr(writer, "owned", lambda *_: [name])
    monkeypatch.setattr(writer, "remove", lambda *_: pytest.fail("it was removed"))
    records.write(OWNER, writer.kind, name, {})
    records.write("garage", *needing, {})
    for session in (None, HostSession()):
        [result] = clear(writer(), [name], OWNER, session)
        reason = f"{needing[0]} {needing[1]} of owner 'garage' needs it; remove that first"
        assert (result["failed"], result["msg"]) == (True, reason)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("kind", "name", "word"), [("quadlet_unit", "web/back.network", "Network=back.network"), ("podman_secret", "web/token", "Secret=token")]
)
@pytest.mark.parametrize("applied", [True, False])
def test_another_owner_s_unit_keeps_what_it_names_if_somebody_applied_it(monkeypatch, kind, name, word, applied):
    writer = writer_of(kind)
    beside = [{"name": "page.container", "content": f"{TEXT}{word}\n", "dropins": {}}]
    monkeypatch.setattr(home, "units_beside", lambda *_: beside)
    monkeypatch.setattr(home, "units_of", lambda *_: [])
    if applied:
        records.write("garage", "quadlet-unit", "web/page.container", {"files": unit_file.digests(beside[0])})
    found = writer().removal_blockers([name], OWNER)
    assert found == ({name: "page.container still names it; change that first"} if applied else {})
