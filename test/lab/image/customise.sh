#!/bin/sh
# Runs inside the new root: accounts, services, and the packages that the lab
# may install later without any network. Arguments: those packages.
set -eu

chown -R root:root /etc/sudoers.d /etc/ssh/sshd_config.d
chmod 0440 /etc/sudoers.d/operator

useradd --gid operator --create-home --shell /bin/bash operator
mkdir -p /home/operator/.ssh /var/lib/systemd/linger
chmod 700 /home/operator/.ssh
# A user manager that stays makes each emulated login seconds faster.
touch /var/lib/systemd/linger/operator

echo 'LANG=C.UTF-8' >/etc/default/locale
ln -sf /usr/share/zoneinfo/UTC /etc/localtime
echo '/dev/vda / ext4 noatime 0 0' >/etc/fstab
# The kernel's command line gives each machine its own id.
: >/etc/machine-id
rm -f /etc/ssh/ssh_host_*

systemctl enable systemd-networkd.service ssh.service lab-seed.service lab-lease.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer

apt-get clean
apt-get -q install -y --no-install-recommends --download-only "$@"

# The root disk's driver and file system, all that the initramfs has to hold.
printf '%s\n' virtio_pci virtio_blk ext4 >/etc/initramfs-tools/modules
update-initramfs -u -k all
# Packages that come later would have it made anew, which takes an emulated machine a minute and a half.
sed -i 's/^update_initramfs=.*/update_initramfs=no/' /etc/initramfs-tools/update-initramfs.conf

# No name server at all: a look-up fails at once instead of hanging.
: >/etc/resolv.conf
