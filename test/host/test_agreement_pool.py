"""What is announced of a pool is what is done: it is never stopped by a change, and what lies in its folder is not touched."""

import libvirt_mock
import pytest
from machine_mock import OWNER, agree, agree_to_remove, module, records, refused, settled, writer_of

UNIT = {"name": "vms", "path": "vms"}


@pytest.fixture
def pool(monkeypatch, machine, tmp_path):
    """Our pool, as it is applied, with a guest's disk in it."""
    connection = libvirt_mock.connect(monkeypatch)
    # Temporary folders are below one that everybody may write in.
    monkeypatch.setattr(module("pool"), "strange_parent", lambda _: "")
    folder = tmp_path / "vms"
    folder.mkdir()
    (folder / "web").write_text("a disk")
    connection.pools["vms"] = libvirt_mock.Pool(connection, "vms", str(folder))
    settled("pool", resource(tmp_path))
    return connection.pools["vms"]


def resource(folder, **change):
    """Our pool with a change, its path within a folder."""
    whole = {**UNIT, **change}
    return {**whole, "path": str(folder / whole["path"])}


@pytest.mark.parametrize(("differences", "calls"), [("active", ["create"]), ("starts_at_boot", [])])
def test_a_pool_that_drifted_is_put_right_live(pool, tmp_path, differences, calls):
    setattr(pool, differences, 0)
    agree(writer_of("pool"), resource(tmp_path), "live")
    assert (pool.calls, pool.active, pool.starts_at_boot) == (calls, 1, 1)


@pytest.mark.parametrize("change", [{"name": "new", "path": "new"}])
def test_a_new_pool_comes_live_and_the_other_stays_as_it_is(pool, tmp_path, change):
    agree(writer_of("pool"), resource(tmp_path, **change), "live")
    new = pool.connection.pools["new"]
    assert (new.calls, new.active, new.starts_at_boot, pool.calls) == (["create"], 1, 1, [])
    assert (tmp_path / "new").is_dir()


def test_another_folder_is_refused_and_nothing_moves(pool, tmp_path):
    assert "a pool's path does not change" in refused(writer_of("pool"), resource(tmp_path, path="other"))
    assert (pool.calls, (tmp_path / "other").exists()) == ([], False)


def test_a_folder_that_is_another_pool_s_is_refused(pool, tmp_path):
    said = refused(writer_of("pool"), resource(tmp_path, name="new"))
    assert said == f"{tmp_path}/vms is the folder of libvirt's pool vms already; declare that one, with `adopt: true`"
    assert list(pool.connection.pools) == ["vms"]


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_removed_pool_loses_no_data(pool, tmp_path, is_empty):
    if is_empty:
        (tmp_path / "vms/web").unlink()
    agree_to_remove(writer_of("pool"), "vms", "")
    assert pool.connection.pools == {}
    assert (tmp_path / "vms").exists() is not is_empty
    assert is_empty or (tmp_path / "vms/web").read_text() == "a disk"


@pytest.mark.parametrize("disk_is_there", [True, False])
def test_another_folder_at_its_path_is_taken_only_with_the_disks_that_are_known(pool, tmp_path, disk_is_there):
    records.write(OWNER, "volume", "vms/web", {"path": str(tmp_path / "vms/web")})
    (tmp_path / "vms").rename(tmp_path / "unmounted")
    (tmp_path / "vms").mkdir()
    taken = resource(tmp_path, adopt=True)
    if disk_is_there:
        (tmp_path / "vms/web").write_text("the same disk")
        agree(writer_of("pool"), taken, "live")
    else:
        assert "is its file system mounted?" in refused(writer_of("pool"), taken)
