"""Reading files that may be anything."""

import os
import socket

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
