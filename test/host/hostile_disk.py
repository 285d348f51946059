"""Raw disks into which a guest wrote a header of qcow2, and a mock of qemu-img(1) that believes the format that it is told alone.

The header is that of docs/interop/qcow2.rst of QEMU, and `qemu-img info -f qcow2` reads it.
"""

import json
import os
import struct
from pathlib import Path

from ansible.module_utils.homelab.core import system

MIB = 1024 * 1024
SIZE = 64 * MIB
CLUSTER = 65536
SHADOW = "/etc/shadow"
DATA_FILE_BIT, DATA_FILE, END = 1 << 2, 0x44415441, 0
# Each refers to something that its guest must not have: as a backing file, or as a data file.
HOSTILE = {
    "backing": {"backing": SHADOW},
    "json": {"backing": json.dumps({"driver": "file", "filename": SHADOW})},
    "nbd": {"backing": "nbd://127.0.0.1:1/x"},
    "data-file": {"data_file": SHADOW},
}
HOSTILE["json"]["backing"] = "json:" + HOSTILE["json"]["backing"]


def hostile_disk(path, backing="", data_file="", size=SIZE):
    """Write a raw file with a header of a qcow2 image of this size; without names it refers to nothing."""
    bits = DATA_FILE_BIT if data_file else 0
    extension = _extension(DATA_FILE, data_file) if data_file else b""
    extension += struct.pack(">II", END, 0)
    name = 104 + len(extension) if backing else 0
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, name, len(backing), 16, size, 0, 1, CLUSTER, 2 * CLUSTER, 1, 0, 0, bits, 0, 0, 4, 104
    )
    # Of one file, so that it is as large as it says when it is taken for a raw one.
    with Path(path).open("wb") as stream:
        stream.write(header + extension + backing.encode())
        stream.truncate(size)
    return path


def _extension(kind, text):
    return struct.pack(">II", kind, len(text)) + text.encode() + bytes(-len(text) % 8)


def beginning(path):
    """The bytes in which a header is."""
    with Path(path).open("rb") as stream:
        return stream.read(4096)


def info_of(path, form):
    """What `qemu-img info -f` prints of a file. Raise CommandError."""
    content = beginning(path)
    if form == "raw":
        return {"format": "raw", "virtual-size": Path(path).stat().st_size}
    if content[:4] != b"QFI\xfb":
        raise system.CommandError(["qemu-img"], "exit code 1", f"Could not open '{path}': Image is not in qcow2 format")
    offset, length = struct.unpack(">QI", content[8:20])
    [size], [bits] = struct.unpack(">Q", content[24:32]), struct.unpack(">Q", content[72:80])
    found = {"format": "qcow2", "virtual-size": size, "format-specific": {"data": {}}}
    if bits & DATA_FILE_BIT:
        [length_of_name] = struct.unpack(">I", content[108:112])
        found["format-specific"]["data"] = {"data-file": content[112 : 112 + length_of_name].decode(), "data-file-raw": False}
    if offset:
        name = content[offset : offset + length].decode()
        found |= {"backing-filename": name, "full-backing-filename": name}
    return found


def qemu_img(argv, _stdin):
    """A mock of qemu-img(1), which may not be asked for what is in a file, nor for other files than the one that it is given."""
    assert "-f" in argv, f"the content of a guest's disk is asked for its format: {argv}"
    assert "--backing-chain" not in argv
    form, path = argv[argv.index("-f") + 1], argv[-2 if argv[1] == "resize" else -1]
    assert path.startswith("/"), argv
    assert path != SHADOW, argv
    if argv[1] == "resize":
        os.truncate(path, int(argv[-1]))
    return json.dumps(info_of(path, form)) if argv[1] == "info" else ""
