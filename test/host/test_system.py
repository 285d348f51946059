"""Reading files that may be anything."""

import os
import socket

import pytest
from homelab import system


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
