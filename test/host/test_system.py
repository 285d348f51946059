"""Reading files that may be anything."""

import os
import socket
import time

import pytest

from ansible.module_utils.homelab.core import system


def test_only_files_are_read(tmp_path):
    assert system.read_text(tmp_path / "none") is None
    (tmp_path / "a").write_bytes(b"\xff a")
    assert system.read_text(tmp_path / "a").encode("utf-8", "surrogateescape") == b"\xff a"
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="no regular file"):
            system.read_text(tmp_path / name)


def test_a_socket_that_was_left_behind_answers_no_more(tmp_path):
    path = str(tmp_path / "private")
    assert not system.answers(path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)
        one.listen()
        assert system.answers(path)
    assert not system.answers(path)


def test_a_link_to_dev_null_is_an_empty_file_as_it_is_to_systemd(tmp_path):
    (tmp_path / "masked").symlink_to("/dev/null")
    assert system.read_text(tmp_path / "masked") == ""


def test_a_difference_in_bytes_that_are_no_text_can_be_shown_anywhere(tmp_path):
    (tmp_path / "a").write_bytes(b"caf\xe9\n")
    said = system.text_diff("a", system.read_text(tmp_path / "a"), "café\n")
    assert said.encode().decode().splitlines()[-2:] == ["-caf\\xe9", "+café"]


def test_what_is_written_made_or_removed_survives_a_power_cut(monkeypatch, tmp_path):
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")) or real(descriptor))
    system.make_folder(tmp_path / "a/b", uid=os.getuid(), gid=os.getgid())
    system.write_text(tmp_path / "a/b/file", "text", uid=os.getuid(), gid=os.getgid())
    assert synced[:2] == [str(tmp_path), str(tmp_path / "a")]
    assert synced[-1] == str(tmp_path / "a/b")
    synced.clear()
    system.remove_file(tmp_path / "a/b/file")
    assert synced == [str(tmp_path / "a/b")]


def test_a_file_without_end_is_not_read(tmp_path):
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 2**40)
    with pytest.raises(OSError, match="larger than 16384 KiB"):
        system.read_text(tmp_path / "large")


@pytest.mark.parametrize("script", ["while :; do echo x; done", "while :; do echo x >&2; done"])
def test_a_command_that_prints_without_end_is_stopped(script):
    with pytest.raises(system.CommandError, match="more than 64 KiB of output"):
        system.run(["sh", "-c", script], limit=64 * 1024)


def test_a_command_whose_children_keep_its_output_open_does_not_keep_the_run(monkeypatch):
    begun = time.monotonic()
    with pytest.raises(system.CommandError, match=r"no end after 0\.5 s"):
        system.run(["sh", "-c", "sleep 20 & echo begun"], timeout=0.5)
    assert time.monotonic() - begun < 5


def test_a_command_gets_its_input_and_returns_what_it_prints():
    text = "ä" * 500_000
    assert system.run(["cat"], stdin=text).stdout == text
    assert system.run(["true"], stdin=text).stdout == ""
