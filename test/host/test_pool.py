"""A pool's folder is one that QEMU's user can enter, and is not taken for gone where libvirt is."""

import os
from types import SimpleNamespace

import libvirt_mock
import pytest
from machine_mock import module, records, refused, writer_of

from ansible.module_utils.homelab.observe import libvirt_host, pool, service_user
from ansible.module_utils.homelab.observe.domain import observer as domain

ACCOUNTS = {"libvirt-qemu": SimpleNamespace(pw_uid=64055, pw_gid=64056)}


@pytest.mark.parametrize("name", ["", "pool"])
def test_the_first_folder_that_qemu_s_user_cannot_enter_is_told(monkeypatch, machine, tmp_path, name):
    path = tmp_path / "closed" / name
    path.mkdir(parents=True)
    libvirt_mock.connect(monkeypatch)
    for module_with_it in (service_user, module("pool")):
        monkeypatch.setattr(module_with_it, "find", ACCOUNTS.get)
    monkeypatch.setattr(module("pool"), "strange_parent", lambda _: "")
    real = machine.run

    def run(argv, **more):
        done = real(argv, **more)
        done.returncode = int(argv[:4] == ["setpriv", "--reuid=64055", "--regid=64056", "--init-groups"] and "closed" in argv[-1])
        return done

    monkeypatch.setattr("ansible.module_utils.homelab.core.system.run", run)
    said = refused(writer_of("pool"), {"name": "vms", "path": str(path / "vms")})
    assert said.startswith(f"QEMU's user libvirt-qemu cannot enter {tmp_path}/closed, ")
    assert said.endswith(f"chmod o+x {tmp_path}/closed")


@pytest.mark.usefixtures("machine")
def test_a_pool_and_a_domain_are_not_taken_for_gone_where_libvirt_is(monkeypatch):
    def gone():
        raise libvirt_host.NotInstalled(libvirt_host.MISSING)

    monkeypatch.setattr(libvirt_host, "connection", gone)
    for kind in (pool.Pool(), domain.Domain()):
        records.write("lab", kind.kind, "old", {})
        resources = [{"name": name, "path": "/srv/vms", "interfaces": []} for name in ("old", "new")]
        seen = kind.observe(resources, "lab")
        assert [(one.present, one.differences) for one in seen] == [(True, [libvirt_host.MISSING]), (False, [])]


@pytest.mark.parametrize(("mode", "is_strange"), [(0o755, False), (0o775, True), (0o777, True), (0o1777, True)])
def test_a_folder_that_others_can_exchange_holds_no_pool(monkeypatch, tmp_path, mode, is_strange):
    library, shared = module("pool"), tmp_path / "shared"
    (shared / "below").mkdir(parents=True)
    shared.chmod(mode)
    real = os.stat
    # The folders above the temporary one are not the test's.
    plain = SimpleNamespace(st_uid=0, st_mode=0o40755)
    monkeypatch.setattr(library.os, "stat", lambda path, **more: real(path, **more) if str(path).startswith(str(shared)) else plain)
    said = library.strange_parent(str(shared / "below/vms"))
    assert said == (str(shared) if is_strange or os.getuid() != 0 else "")
    assert library.unfit_folder(str(shared / "below/vms")).startswith(f"{shared} is not root's alone") is (said != "")
