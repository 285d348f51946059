#!/bin/sh
# Runs inside the new root of a Debian guest: what cloud-init finds when it starts first.
set -eu

# Of the lab's machines, which have no cloud-init.
chown -R root:root /etc/sudoers.d /etc/ssh/sshd_config.d
rm -f /etc/sudoers.d/operator /etc/systemd/system/lab-*.service /usr/local/sbin/lab-*
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
: >/etc/resolv.conf
echo '/dev/vda / ext4 noatime 0 0' >/etc/fstab
echo 'datasource_list: [NoCloud]' >/etc/cloud/cloud.cfg.d/90-homelab.cfg

systemctl enable systemd-networkd.service ssh.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service

# The seed is a CD on SATA; cloud-init does not wait until udev has found it.
printf '%s\n' virtio_pci virtio_blk ext4 virtio_net ahci sr_mod isofs >/etc/initramfs-tools/modules
update-initramfs -u -k all
apt-get clean
