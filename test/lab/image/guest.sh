#!/bin/sh
# Runs inside the new root: makes the tiny guest that a hypervisor of the lab can run without KVM, /srv/guest/initrd.img.
# It has one static busybox, the kernel's drivers for libvirt's devices, and a page that says what the machine has.
set -eu

kernel="$(ls /lib/modules)"
root="$(mktemp -d)"
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/lib" "$root/etc/acpi/PWRF" "$root/www/cgi-bin" "$root/var/run" "$root/var/log"
cp /bin/busybox "$root/bin/busybox"
/bin/busybox --list | while read -r applet; do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done

# In the order in which they need each other.
for module in virtio_blk failover net_failover virtio_net virtio_balloon evdev button scsi_common scsi_mod libata libahci ahci cdrom sr_mod isofs; do
  file="$(find "/lib/modules/$kernel/kernel" -name "$module.ko.xz")"
  busybox xzcat "$file" >"$root/lib/$(printf %02d "$(ls "$root/lib" | wc -l)")-$module.ko"
done

cat >"$root/init" <<'EOF'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /lib/*.ko; do insmod "$module"; done
# With `spoil` on the kernel's command line it ruins its disk and ends, which the kernel takes for a reason to panic.
if grep -q spoil /proc/cmdline; then
  # sync(2) alone leaves it in QEMU's cache.
  echo spoiled | dd of=/dev/vda bs=1M seek=1 conv=notrunc,fsync
  exit 1
fi
ip link set lo up
for link in /sys/class/net/eth*; do
  [ -e "$link" ] && ip link set "${link##*/}" up && udhcpc -i "${link##*/}" -s /etc/udhcpc -b -S -t 60 -T 1
done
httpd -h /www
# With `stubborn` on the kernel's command line it takes no notice of the power button.
grep -q stubborn /proc/cmdline || acpid
echo 'the tiny guest is up'
# A processor that is plugged in waits to be switched on.
while sleep 1; do
  for processor in /sys/devices/system/cpu/cpu*/online; do
    [ -e "$processor" ] && read -r online <"$processor" && [ "$online" = 0 ] && echo 1 >"$processor"
  done
done
EOF
cat >"$root/etc/udhcpc" <<'EOF'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route add default via "$router"
EOF
cat >"$root/etc/acpi/PWRF/00000080" <<'EOF'
#!/bin/sh
echo 'the power button was pressed, so the tiny guest goes off' >/dev/console
poweroff -f
EOF
cat >"$root/www/cgi-bin/machine" <<'EOF'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
echo "uptime $(cut -d. -f1 /proc/uptime)"
echo "processors $(grep -c ^processor /proc/cpuinfo)"
sed -n 's/^MemTotal: *\([0-9]*\) kB/memory \1/p' /proc/meminfo
for disk in /sys/block/vd* /sys/block/sr*; do
  [ ! -e "$disk" ] || echo "disk ${disk##*/} $(cat "$disk/size")"
done
for link in /sys/class/net/eth*; do
  [ ! -e "$link" ] || echo "link ${link##*/} $(cat "$link/address")"
done
EOF
# Writes on its disk what follows the question mark.
cat >"$root/www/cgi-bin/write" <<'EOF'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
echo "$QUERY_STRING" | dd of=/dev/vda bs=1M seek=1 conv=notrunc,fsync 2>&1
EOF
# Asks another guest, whose address follows the question mark.
cat >"$root/www/cgi-bin/ask" <<'EOF'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
wget -q -T 5 -O - "http://$QUERY_STRING/cgi-bin/machine" || echo 'no answer'
EOF
chmod +x "$root/init" "$root/etc/udhcpc" "$root/etc/acpi/PWRF/00000080" "$root"/www/cgi-bin/*

mkdir -p /srv/guest
(cd "$root" && find . | busybox cpio -o -H newc | gzip -9) >/srv/guest/initrd.img
rm -r "$root"
