#!/bin/sh
# Runs inside the new root: puts the kernel into /srv/guest, as it is and not compressed, which starts sooner, by PVH.
set -eu

kernel="$(ls /lib/modules)"
mkdir -p /srv/guest
cp "/boot/vmlinuz-$kernel" /srv/guest/vmlinuz
# Where the kernel's payload lies: https://docs.kernel.org/arch/x86/boot.html. Its last four bytes say how long it is unpacked.
python3 - <<'EOF' | zstd -dc >/srv/guest/vmlinux
import struct, sys
kernel = open("/srv/guest/vmlinuz", "rb").read()
offset, length = struct.unpack_from("<II", kernel, 0x248)
start = (kernel[0x1F1] + 1) * 512 + offset
sys.stdout.buffer.write(kernel[start : start + length - 4])
EOF
