"""Captures a command's output within limits of time and size: a command that a user controls may print without end."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import IO

CHUNK = 64 * 1024


class Overflow(Exception):
    """A command printed more than it may."""


def capture(process: subprocess.Popen[bytes], stdin: bytes, *, timeout: float, limit: int) -> tuple[bytes, bytes]:
    """Give a process its input, wait for its end, and return stdout and stderr; `timeout` in seconds, `limit` in bytes of both.

    Raise subprocess.TimeoutExpired or Overflow, after killing it. Its pipes have three ends here; whatever it started does not
    keep this waiting for longer than the timeout.
    """
    end = time.monotonic() + timeout
    try:
        printed = _exchange(process, stdin, end, limit)
        process.wait(max(0.0, end - time.monotonic()))
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
    return printed


def _exchange(process: subprocess.Popen[bytes], stdin: bytes, end: float, limit: int) -> tuple[bytes, bytes]:
    assert process.stdin and process.stdout and process.stderr
    printed: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    left = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for stream in printed:
            selector.register(stream, selectors.EVENT_READ)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        os.set_blocking(process.stdin.fileno(), False)
        while selector.get_map():
            ready = selector.select(max(0.0, end - time.monotonic()))
            if not ready and time.monotonic() >= end:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in ready:
                stream = key.fileobj  # type: ignore[assignment]
                if stream is process.stdin:
                    left = _write(key.fd, left)
                    done = not left
                else:
                    data = os.read(key.fd, CHUNK)
                    printed[stream] += data
                    done = not data
                if done:
                    selector.unregister(stream)
                    stream.close()
            if sum(map(len, printed.values())) > limit:
                raise Overflow
    return bytes(printed[process.stdout]), bytes(printed[process.stderr])


def _write(descriptor: int, left: memoryview) -> memoryview:
    """Write as much as there is room for, and return the rest; a process that closed its input gets no more."""
    try:
        return left[os.write(descriptor, left[:CHUNK]) :] if left else left
    except BrokenPipeError:
        return left[:0]
